// Induction heads: a special token stands once with a follower, and again at the end, where the follower is asked.
// Length 9, '!' the special token, '.' no target:
//   inputs   a  c  !  b  d  a  a  c  !
//   targets  .  .  .  .  .  .  .  .  b
// Of V ids V - 1 is the special token; all others are drawn with repetition, the follower too.
// Source  Mamba, Gu & Dao 2023, arXiv 2312.00752, section 4.1.2 and appendix E.1; trained at 256, tested up to 2^20
#include <fmt/format.h>

#include "core/error.h"
#include "experiments/tasks/drawn_task.h"

namespace subband::tasks::induction {

struct Config {
  int64_t vocabulary = 16;
  SyntheticFields synthetic;

  void bind(Binder& b) {
    b.field("vocabulary", vocabulary, {3, 1e7}, "V, the special token among them");
    synthetic.bind(b);
  }
};

static void draw_induction(const Config& config, Draws& draws, std::span<int64_t> inputs,
                           std::span<int64_t> targets) {
  const int64_t special = config.vocabulary - 1;
  for (int64_t& each : inputs) each = draws.below(special);
  const auto place =
      static_cast<size_t>(draws.below(std::ssize(inputs) - 2));  // its follower stands before the end
  inputs[place] = special, inputs.back() = special;
  targets.back() = inputs[place + 1];
}

class Induction final : public DrawnTask {
 public:
  Induction(const Config& config, const TaskContext& context)
      : DrawnTask(config.vocabulary, {.name = "induction", .fields = config.synthetic}) {
    plan_.train = {{context.length, 1}};
    for (const int64_t length : config.synthetic.test_lengths) plan_.longer.push_back({length, 1});
    plan_.draw = [config](Draws& draws, const Difficulty&, std::span<int64_t> inputs,
                          std::span<int64_t> targets) { draw_induction(config, draws, inputs, targets); };
    plan_.notes = {fmt::format("induction: guessing is right in 1 of {} cases: accuracy {:.4f}",
                               config.vocabulary - 1, 1 / static_cast<double>(config.vocabulary - 1))};
  }

 private:
  void check(const Difficulty& difficulty) const override {
    if (difficulty.length < 3)
      throw ConfigError(
          "", fmt::format("task.type = induction: needs a length of at least 3, got {}", difficulty.length),
          "bad_value");
  }
};

void add_to(TaskRegistry& registry) {
  registry.add<Induction, Config>({.name = "induction",
                                   .summary = "what followed the special token when it stood there first",
                                   .source = "Mamba, arXiv 2312.00752, section 4.1.2"});
}

}  // namespace subband::tasks::induction
