#include "sweeps/search/tune_queue.h"

#include "analysis/statistics.h"

namespace subband {

TuneQueue::TuneQueue(const SweepPlan& plan, AddCell add)
    : plan_(plan), add_(std::move(add)), runs_(plan), trials_(plan.cells.size()) {}

std::optional<CellTurn> TuneQueue::hand_out(size_t cell) {
  KnownRuns::Run& run = runs_.of(cell);
  if (run.is_out || run.has_ended) return std::nullopt;
  run.is_out = true;
  return CellTurn{.cell = cell};
}

std::optional<size_t> TuneQueue::winner(size_t tuned) const {
  const SweepTuning& tuning = *plan_.spec.tune;
  std::optional<size_t> best;
  double best_gain = 0;
  for (size_t row = 0; row < plan_.grid.rows.size(); ++row) {
    if (plan_.grid.rows[row].trial_of != plan_.grid.tuned[tuned].label) continue;
    std::vector<double> values;
    for (const int64_t seed : tuning.seeds) {
      const auto cell = runs_.cell(row, seed);
      if (!cell || !runs_.has_ended(*cell)) return std::nullopt;
      if (const auto value = runs_.value(*cell, tuning.metric)) values.push_back(*value);
    }
    if (values.size() < tuning.seeds.size()) continue;  // a setting that fails on a seed is no choice
    const double value = gain(summarize(values).mean, plan_.spec.goal);
    if (best && !(value > best_gain)) continue;
    best = row;
    best_gain = value;
  }
  return best;
}

std::optional<CellTurn> TuneQueue::next() {
  for (size_t cell = 0; cell < trials_; ++cell)
    if (auto turn = hand_out(cell)) return turn;
  for (size_t tuned = 0; tuned < plan_.grid.tuned.size(); ++tuned) {
    const auto trial = winner(tuned);
    if (!trial) continue;
    SweepRow row = plan_.grid.tuned[tuned];
    row.overrides = plan_.grid.rows[*trial].overrides;  // with the width that a match found
    row.match.reset();
    for (const int64_t seed : plan_.spec.seeds)
      if (auto turn = hand_out(add_(row, seed))) return turn;
  }
  return std::nullopt;
}

}  // namespace subband
