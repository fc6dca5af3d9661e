// Selective copying: tokens among noise, to be written out in their order at the end.
// Three tokens, length 12, '_' noise, '>' a slot for the answer, '.' no target:
//   inputs   _  a  _  _  b  _  c  _  _  >  >  >
//   targets  .  .  .  .  .  .  .  .  .  a  b  c
// Of V ids 0 is the noise, V - 1 the slot, the others are data, drawn with repetition. `spacing: fixed` puts them at equal
// distances: ordinary copying, which any convolution can learn, as the control.
// Source  Mamba, Gu & Dao 2023, arXiv 2312.00752, appendix E.1; after Jing et al. 2019
#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "experiments/tasks/drawn_task.h"

namespace subband::tasks::selective_copy {

struct Config {
  int64_t vocabulary = 16;
  int64_t tokens = 16;
  std::string spacing = "random";
  SyntheticFields synthetic;

  void bind(Binder& b) {
    b.field("vocabulary", vocabulary, {3, 1e7}, "V, noise and slot among them");
    b.field("tokens", tokens, {1, 1e6}, "how many are to be copied");
    b.choice("spacing", spacing, {"random", "fixed"}, "where they stand");
    synthetic.bind(b);
  }
};

static void draw_copy(const Config& config, Draws& draws, const Difficulty& difficulty, std::span<int64_t> inputs,
                      std::span<int64_t> targets) {
  const int64_t n = difficulty.size, room = difficulty.length - n;
  std::vector<int64_t> places;
  if (config.spacing == "random") places = draws.distinct(n, 0, room - 1);
  for (int64_t i = 0; config.spacing == "fixed" && i < n; ++i) places.push_back(i * (room / n));
  std::ranges::sort(places);
  std::ranges::fill(inputs, 0);
  for (int64_t i = 0; i < n; ++i) {
    const auto slot = static_cast<size_t>(room + i);
    const int64_t token = draws.between(1, config.vocabulary - 2);
    inputs[static_cast<size_t>(places[static_cast<size_t>(i)])] = token;
    inputs[slot] = config.vocabulary - 1, targets[slot] = token;
  }
}

class SelectiveCopy final : public DrawnTask {
 public:
  SelectiveCopy(const Config& config, const TaskContext& context)
      : DrawnTask(config.vocabulary, {.name = "selective_copy", .fields = config.synthetic}) {
    plan_.train = {{context.length, config.tokens}};
    for (const int64_t length : config.synthetic.test_lengths)
      plan_.longer.push_back({length, config.tokens});
    plan_.draw = [config](Draws& draws, const Difficulty& difficulty, std::span<int64_t> inputs,
                          std::span<int64_t> targets) {
      draw_copy(config, draws, difficulty, inputs, targets);
    };
    plan_.notes = {fmt::format("selective_copy: guessing is right in 1 of {} cases: accuracy {:.4f}",
                               config.vocabulary - 2, 1 / static_cast<double>(config.vocabulary - 2))};
  }

 private:
  void check(const Difficulty& difficulty) const override {
    if (difficulty.length < 2 * difficulty.size)
      throw ConfigError("",
                        fmt::format("task.tokens = {}: needs a length of at least {}, got {}", difficulty.size,
                                    2 * difficulty.size, difficulty.length),
                        "bad_value");
  }
};

void add_to(TaskRegistry& registry) {
  registry.add<SelectiveCopy, Config>({.name = "selective_copy",
                                       .summary = "tokens among noise, to be copied in order",
                                       .source = "Mamba, arXiv 2312.00752, appendix E.1"});
}

}  // namespace subband::tasks::selective_copy
