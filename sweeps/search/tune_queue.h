// Tuning with equal means: the same trials for every row, then the best of each with the seeds of the sweep, which no
// trial had.
#pragma once
#include <vector>

#include "sweeps/search/known_runs.h"

namespace subband {

class TuneQueue final : public CellQueue {
 public:
  /// `plan`, of a spec with `tune`, must outlive it.
  TuneQueue(const SweepPlan& plan, AddCell add) : runs_(plan, std::move(add)), trials_(plan.cells.size()) {}
  std::optional<CellTurn> next() override;
  void ended(size_t cell, const CellResult& result) override { runs_.ended(cell, result); }
  bool decides_later() const override { return true; }
  bool was_cut() const override { return runs_.has_cut(); }
  /// The trial, a row of the plan, that won a row of `grid.tuned`; nothing while trials are open, or where none gave the
  /// metric. Of equal ones the first.
  std::optional<size_t> winner(size_t tuned) const;

 private:
  KnownRuns runs_;
  size_t trials_ = 0;  // cells of the plan that are trials
};

}  // namespace subband
