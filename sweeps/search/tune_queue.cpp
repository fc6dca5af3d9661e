#include "sweeps/search/tune_queue.h"

#include "analysis/statistics.h"

namespace subband {

std::optional<size_t> TuneQueue::winner(size_t tuned) const {
  const SweepPlan& plan = runs_.plan();
  const SweepTuning& tuning = *plan.spec.tune;
  std::optional<size_t> best;
  double best_gain = 0;
  for (size_t row = 0; row < plan.grid.rows.size(); ++row) {
    if (plan.grid.rows[row].trial_of != plan.grid.tuned[tuned].label) continue;
    std::vector<double> values;
    for (const int64_t seed : tuning.seeds) {
      const auto cell = runs_.cell(row, seed);
      if (!cell || !runs_.has_ended(*cell)) return std::nullopt;
      if (const auto value = runs_.value(*cell, tuning.metric)) values.push_back(*value);
    }
    if (values.size() < tuning.seeds.size()) continue;  // a setting that fails on a seed is no choice
    const double value = gain(summarize(values).mean, plan.spec.goal);
    if (best && !(value > best_gain)) continue;
    best = row;
    best_gain = value;
  }
  return best;
}

std::optional<CellTurn> TuneQueue::next() {
  const SweepPlan& plan = runs_.plan();
  for (size_t cell = 0; cell < trials_; ++cell)
    if (auto turn = runs_.turn_of(cell)) return turn;
  for (size_t tuned = 0; tuned < plan.grid.tuned.size(); ++tuned) {
    const auto trial = winner(tuned);
    if (!trial) continue;
    SweepRow row = plan.grid.tuned[tuned];
    row.overrides = plan.grid.rows[*trial].overrides;  // with the width that a match found
    row.match.reset();
    for (const int64_t seed : plan.spec.seeds)
      if (auto turn = runs_.turn_of(row, seed)) return turn;
  }
  return std::nullopt;
}

}  // namespace subband
