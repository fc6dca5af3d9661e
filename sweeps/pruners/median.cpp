// A trial goes on while its best loss so far is no worse than the median of what the others had at the same step.
// Source  the rule of Optuna's MedianPruner (Akiba et al., KDD 2019, arXiv:1907.10902), which takes the median of the trials
//         that are complete; ours takes all others that came to the step, so that it can tell before the first is complete
#include <algorithm>
#include <cmath>
#include <vector>

#include "sweeps/pruner.h"

namespace subband::pruners::median {

struct Config {
  int64_t every = 100, startup = 5, warmup = 0;

  void bind(Binder& b) {
    b.field("every", every, {1, 1e12}, "steps between rungs; a multiple of trainer.evaluate_every");
    b.field("startup", startup, {1, 1e6}, "other trials that a step must have before one is pruned there");
    b.field("warmup", warmup, {0, 1e12}, "steps before which none is pruned");
  }
};

class MedianPruner final : public Pruner {
 public:
  MedianPruner(const Config& config, const PrunerContext&) : config_(config) {}

  std::optional<int64_t> rung_after(int64_t step, int64_t steps) const override {
    const int64_t rung = (step / config_.every + 1) * config_.every;
    return rung < steps ? std::optional(rung) : std::nullopt;
  }

  std::optional<size_t> next(std::span<const PrunedTrial> trials) const override {
    for (size_t i = 0; i < trials.size(); ++i)
      if (trials[i].is_paused && goes_on(trials, i)) return i;
    return std::nullopt;
  }

 private:
  bool goes_on(std::span<const PrunedTrial> trials, size_t number) const {
    const PrunedTrial& trial = trials[number];
    if (trial.losses.empty()) return true;
    const int64_t step = trial.losses.rbegin()->first;
    double best = trial.losses.begin()->second;
    for (const auto& [at, loss] : trial.losses) best = std::min(best, loss);
    std::vector<double> others;
    for (size_t i = 0; i < trials.size(); ++i)
      if (const auto loss = trials[i].losses.find(step); i != number && loss != trials[i].losses.end())
        others.push_back(loss->second);
    if (step < config_.warmup || others.size() < static_cast<size_t>(config_.startup)) return true;
    std::ranges::sort(others);
    const size_t half = others.size() / 2;
    const double middle = others.size() % 2 == 1 ? others[half] : (others[half - 1] + others[half]) / 2;
    return best <= middle && std::isfinite(best);
  }

  Config config_;
};

void add_to(PrunerRegistry& r) {
  r.add<MedianPruner, Config>({.name = "median",
                               .summary = "a trial goes on while it is no worse than the median at the same step",
                               .source = "Optuna's MedianPruner (Akiba et al., KDD 2019), over all other trials"});
}

}  // namespace subband::pruners::median
