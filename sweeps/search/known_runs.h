// What an adaptive queue knows of a plan's cells: which were handed out, and what their runs gave. Cells of several rows
// that are one run are one here, and each run is handed out once.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "sweeps/planning/plan.h"
#include "sweeps/queue.h"

namespace subband {

class KnownRuns {
 public:
  /// `plan` may grow, by `add`.
  KnownRuns(const SweepPlan& plan, AddCell add) : plan_(plan), add_(std::move(add)) {}
  const SweepPlan& plan() const { return plan_; }

  struct Run {
    bool is_out = false;    ///< handed out, and not back yet
    bool has_ended = false;
    bool is_cut = false;  ///< came back neither ended nor paused (a cancelled job): this command leaves it alone
    std::optional<CellResult> result = {};  ///< of the last turn that told something
    bool can_begin() const { return !is_out && !has_ended && !is_cut; }
  };
  using Key = std::pair<std::string, int64_t>;
  Key key(size_t cell) const;
  Run& of(size_t cell) { return runs_[key(cell)]; }
  /// The whole turn of a cell; nothing where it is handed out already, has ended or was cut.
  std::optional<CellTurn> turn_of(size_t cell);
  /// The same of a row and seed, which become a cell of the plan where they are none; nothing where they cannot.
  std::optional<CellTurn> turn_of(const SweepRow& row, int64_t seed);
  /// The cell that a row and seed become; nothing where the row cannot be bound.
  std::optional<size_t> add(const SweepRow& row, int64_t seed);
  /// Whether a row of the plan could not be bound with this seed.
  bool is_refused(size_t row, int64_t seed) const { return refused_.contains({plan_.grid.rows[row].label, seed}); }
  /// Whether some turn was cut: then nothing further is decided from what is there.
  bool has_cut() const;
  /// The cell of a row and seed; nothing where the plan does not have it.
  std::optional<size_t> cell(size_t row, int64_t seed) const;
  /// Notes what a turn gave; a pause is no end.
  void ended(size_t cell, const CellResult& result);
  /// The metric of a run that is done; nothing where it is not, or is no finite number.
  std::optional<double> value(size_t cell, const std::string& metric) const;
  bool has_ended(size_t cell) const;
  /// What a run gave last; nullptr where it gave nothing yet.
  const CellResult* result(size_t cell) const;

 private:
  const SweepPlan& plan_;
  AddCell add_;
  std::map<Key, Run> runs_;
  std::set<Key> refused_;  // by label and seed
};

}  // namespace subband
