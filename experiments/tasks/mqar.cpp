// Multi-query associative recall: pairs of key and value, then the keys again, each to be answered by its value.
// Two pairs, length 12, '_' filler, '.' no target:
//   inputs   k1 v1 k2 v2  _ k2  _  _  _ k1  _  _
//   targets   .  .  .  .  . v2  .  .  . v1  .  .
// Keys are different numbers of 1 … V/2 - 1, values of V/2 … V - 1; 0 is the filler. The context repeats `passes` times.
// Queries stand at every second position behind the context; key i takes gap g, among those left, with a probability
// proportional to (g + 1)^(decay - 1). A guess among the values of the context is right in one case of `pairs`.
// Source  Zoology, Arora et al. 2023, arXiv 2312.04927, and its generator; `filler: random` is the default there,
//         `zeros` what the figures of the paper use
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "experiments/tasks/drawn_task.h"

namespace subband::tasks::mqar {

struct Config {
  int64_t vocabulary = 8'192;
  std::vector<int64_t> pairs = {4};
  std::vector<int64_t> lengths;
  int64_t passes = 1;
  double decay = 0.01;
  std::string filler = "zeros";
  SyntheticFields synthetic;
  std::vector<int64_t> test_pairs;

  void bind(Binder& b) {
    b.field("vocabulary", vocabulary, {8, 1e7}, "V, keys and values together; even");
    b.field("pairs", pairs, {1, 1e6}, "n; several are trained in turns, valid and test are of the first");
    b.field("lengths", lengths, {4, 1e8}, "L of each of `pairs`; empty: trainer.length for all");
    b.field("passes", passes, {1, 1000}, "how often the context stands there");
    b.field("decay", decay, {0.0, 1.0, true},
            "a of the gaps' law; 1: every gap alike, small: near queries likelier");
    b.choice("filler", filler, {"zeros", "random"}, "what stands where nothing is asked behind the context");
    synthetic.bind(b);
    b.field("test_pairs", test_pairs, {1, 1e6}, "n of each of `test_lengths`");
    b.check(vocabulary % 2 == 0, "vocabulary", "must be even");
    b.check(!pairs.empty(), "pairs", "must name at least one number");
    b.check(lengths.empty() || lengths.size() == pairs.size(), "lengths",
            "must be as many as pairs, or none");
    b.check(test_pairs.size() == synthetic.test_lengths.size(), "test_pairs",
            "must be as many as test_lengths");
  }
};

// `count` different gaps below `slots` in the order drawn: the largest of log(u) / weight, u uniform, are a draw without
// replacement (Efraimidis & Spirakis 2006).
static std::vector<int64_t> draw_gaps(Draws& draws, int64_t slots, int64_t count, double decay) {
  std::vector<std::pair<double, int64_t>> keyed;
  for (int64_t gap = 0; gap < slots; ++gap) {
    const double weight = std::pow(static_cast<double>(gap + 1), decay - 1);
    keyed.emplace_back(std::log1p(-draws.uniform()) / weight, gap);
  }
  std::ranges::partial_sort(keyed, keyed.begin() + count, std::greater<>());
  std::vector<int64_t> gaps;
  for (int64_t i = 0; i < count; ++i) gaps.push_back(keyed[static_cast<size_t>(i)].second);
  return gaps;
}

static void draw_recall(const Config& config, Draws& draws, const Difficulty& difficulty,
                        std::span<int64_t> inputs, std::span<int64_t> targets) {
  const int64_t V = config.vocabulary, n = difficulty.size, context = 2 * n * config.passes;
  const auto keys = draws.distinct(n, 1, V / 2 - 1), values = draws.distinct(n, V / 2, V - 1);
  const auto gaps = draw_gaps(draws, (difficulty.length - context) / 2, n, config.decay);
  std::ranges::fill(inputs, 0);
  if (config.filler == "random") {
    for (int64_t& each : inputs) each = draws.below(V);
  }
  for (int64_t at = 0; at < context; at += 2) {
    const auto pair = static_cast<size_t>(at / 2 % n);
    inputs[static_cast<size_t>(at)] = keys[pair], inputs[static_cast<size_t>(at + 1)] = values[pair];
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto at = static_cast<size_t>(context + 2 * gaps[i]);
    inputs[at] = keys[i], targets[at] = values[i];
  }
}

class Mqar final : public DrawnTask {
 public:
  Mqar(const Config& config, const TaskContext& context)
      : DrawnTask(config.vocabulary, {.name = "mqar", .fields = config.synthetic}), passes_(config.passes) {
    for (size_t i = 0; i < config.pairs.size(); ++i)
      plan_.train.push_back({config.lengths.empty() ? context.length : config.lengths[i], config.pairs[i]});
    for (size_t i = 0; i < config.test_pairs.size(); ++i)
      plan_.longer.push_back({config.synthetic.test_lengths[i], config.test_pairs[i]});
    plan_.draw = [config](Draws& draws, const Difficulty& difficulty, std::span<int64_t> inputs,
                          std::span<int64_t> targets) {
      draw_recall(config, draws, difficulty, inputs, targets);
    };
    plan_.notes = {fmt::format("mqar: any value of the context is right in 1 of {} cases: accuracy {:.4f}",
                               config.pairs[0], 1 / static_cast<double>(config.pairs[0]))};
  }

 private:
  void check(const Difficulty& difficulty) const override {
    const int64_t needed = 2 * difficulty.size * (passes_ + 1);
    if (difficulty.length < needed || difficulty.length % 2 != 0)
      throw ConfigError("",
                        fmt::format("task.pairs = {}: needs an even length of at least {}, got {}",
                                    difficulty.size, needed, difficulty.length),
                        "bad_value");
    if (difficulty.size >= vocabulary_ / 2)
      throw ConfigError("",
                        fmt::format("task.pairs = {}: must be below half of task.vocabulary = {}",
                                    difficulty.size, vocabulary_),
                        "bad_value");
  }

  int64_t passes_;
};

void add_to(TaskRegistry& registry) {
  registry.add<Mqar, Config>(
      {.name = "mqar", .summary = "multi-query associative recall", .source = "Zoology, arXiv 2312.04927"});
}

}  // namespace subband::tasks::mqar
