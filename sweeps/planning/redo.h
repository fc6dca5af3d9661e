// Which runs that are there are done again, and which were seen before: those of the plan, and those that a queue added to
// the sweep when it ran last (a drawn point, a further seed, a tuned row), which a plan does not have yet.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "sweeps/planning/plan.h"

namespace subband {

/// `--redo`, `--redo ROW`, `--force`
struct RedoChoice {
  bool other_code = false;         ///< runs of other code
  std::optional<std::string> row;  ///< those of this row
  bool all = false;
  bool is_any() const { return other_code || row || all; }
};

/// A cell of an earlier manifest that the plan does not have, and that it would be again.
struct AddedCell {
  std::string row;
  std::string id;
  int64_t seed = 0;
  PartCode code;  ///< of its parts now
};

/// What a queue has added to the sweep: binds each row again, and leaves out what would be another run now.
std::vector<AddedCell> added_cells(const SweepPlan& plan, const SweepManifest& earlier, const PrepareRow& prepare);

/// Marks the cells that are done again, and lets go of what no worker needs. ConfigError where there is no such row, `added`
/// among them.
void choose_again(SweepPlan& plan, const RedoChoice& choice, const std::vector<AddedCell>& added = {});

/// Takes the runs of added cells that are done again out of `runs`, and returns them.
std::vector<RunSummary> take_again(const std::vector<AddedCell>& added, const RedoChoice& choice,
                                   std::vector<RunSummary>& runs);

/// How many runs of the sweep, of whatever status, somebody may have looked at: of the plan's cells and of those that it had
/// earlier.
int64_t seen_runs(const SweepPlan& plan, const SweepManifest& earlier, const std::vector<RunSummary>& runs);

}  // namespace subband
