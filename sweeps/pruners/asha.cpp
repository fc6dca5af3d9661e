// Asynchronous successive halving: of the trials that reached a rung the best 1/eta go on to the next, as soon as it is
// known that they are among them.
//   rungs   first, first eta, first eta^2, … steps
//   next    from the highest rung down: a paused trial among the best floor(n/eta) of the n that reached its rung
// Source  Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020, algorithm 2; arXiv:1810.05934
#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "sweeps/pruner.h"

namespace subband::pruners::asha {

struct Config {
  int64_t first = 100, eta = 4;

  void bind(Binder& b) {
    b.field("first", first, {1, 1e12}, "steps of the first rung; a multiple of trainer.evaluate_every");
    b.field("eta", eta, {2, 1000}, "of so many trials at a rung one goes on, and so many times the steps");
  }
};

class Asha final : public Pruner {
 public:
  Asha(const Config& config, const PrunerContext&) : config_(config) {}

  std::optional<int64_t> rung_after(int64_t step, int64_t steps) const override {
    int64_t rung = config_.first;
    while (rung <= step) rung *= config_.eta;
    return rung < steps ? std::optional(rung) : std::nullopt;
  }

  std::optional<size_t> next(std::span<const PrunedTrial> trials) const override {
    std::set<int64_t, std::greater<>> rungs;
    for (const PrunedTrial& trial : trials)
      for (const auto& [step, loss] : trial.losses) rungs.insert(step);
    for (const int64_t rung : rungs)
      if (const auto trial = promoted(trials, rung)) return trial;
    return std::nullopt;
  }

 private:
  std::optional<size_t> promoted(std::span<const PrunedTrial> trials, int64_t rung) const {
    std::vector<std::pair<double, size_t>> reached;
    for (size_t i = 0; i < trials.size(); ++i)
      if (const auto loss = trials[i].losses.find(rung); loss != trials[i].losses.end())
        reached.emplace_back(loss->second, i);
    std::ranges::sort(reached);
    const size_t best = reached.size() / static_cast<size_t>(config_.eta);
    for (size_t k = 0; k < best; ++k) {
      if (std::isinf(reached[k].first)) break;  // nothing is known of it and those behind
      const PrunedTrial& trial = trials[reached[k].second];
      if (trial.is_paused && trial.losses.rbegin()->first == rung) return reached[k].second;
    }
    return std::nullopt;
  }

  Config config_;
};

void add_to(PrunerRegistry& r) {
  r.add<Asha, Config>({.name = "asha",
                       .summary = "asynchronous successive halving: the best of a rung go on to the next",
                       .source = "Li et al., MLSys 2020, algorithm 2"});
}

}  // namespace subband::pruners::asha
