#include "sweeps/planning/redo.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/text.h"
#include "runs/other_code.h"

namespace subband {

using RunKey = std::pair<std::string, int64_t>;

// The row of a cell as a manifest has it (manifest_of).
static SweepRow row_of(const SweepCell& cell, const std::string& base) {
  SweepRow row{.label = cell.row, .baseline = cell.baseline, .recipe = base, .overrides = cell.overrides, .place = {}};
  constexpr std::string_view kRecipe = "recipe=";
  if (!row.overrides.empty() && row.overrides.front().starts_with(kRecipe)) {
    row.recipe = row.overrides.front().substr(kRecipe.size());
    row.overrides.erase(row.overrides.begin());
  }
  if (cell.split > 0) row.overrides.push_back(split_override(cell.split));
  return row;
}

std::vector<AddedCell> added_cells(const SweepPlan& plan, const SweepManifest& earlier, const PrepareRow& prepare) {
  std::set<RunKey> planned;
  for (const PlannedCell& cell : plan.cells) planned.insert({cell.id, cell.cell.seed});
  std::vector<AddedCell> added;
  for (const SweepCell& cell : earlier.cells) {
    if (cell.id.empty() || planned.contains({cell.id, cell.seed})) continue;
    const SweepRow row = row_of(cell, plan.spec.base);
    try {
      const PreparedRow now = prepare(row.recipe, cell_overrides(plan.spec, row, cell.seed, plan.extra));
      if (now.id == cell.id) added.push_back({.row = cell.row, .id = cell.id, .seed = cell.seed, .code = now.code});
    } catch (const Error&) {  // it can be no cell of this sweep any more
    }
  }
  return added;
}

void choose_again(SweepPlan& plan, const RedoChoice& choice, const std::vector<AddedCell>& added) {
  std::vector<std::string> labels;
  for (const SweepRow& row : plan.grid.rows) labels.push_back(row.label);
  const size_t planned = labels.size();
  for (const AddedCell& cell : added)
    if (std::ranges::find(labels, cell.row) == labels.end()) labels.push_back(cell.row);
  if (choice.row && std::ranges::find(labels, *choice.row) == labels.end())
    throw ConfigError("command line", "--redo = " + *choice.row + ": no such row" + suggestion(*choice.row, labels),
                      "unknown_option");
  labels.resize(planned);
  for (PlannedCell& cell : plan.cells) {
    const bool is_there = cell.state == Status::reused || cell.state == Status::resume || cell.state == Status::retry;
    const bool is_asked = choice.all || (choice.other_code && !cell.other_code.empty()) ||
                          (choice.row && labels[cell.cell.row] == *choice.row);
    if (is_there && is_asked) cell.again = true, cell.state = Status::retry;
    if (cell.state == Status::reused) cell.recipe = nullptr;
  }
}

std::vector<RunSummary> take_again(const std::vector<AddedCell>& added, const RedoChoice& choice,
                                   std::vector<RunSummary>& runs) {
  const auto is_asked = [&](const RunSummary& run) {
    return run.status != Status::running && std::ranges::any_of(added, [&](const AddedCell& cell) {
             return cell.id == run.id && cell.seed == run.seed &&
                    (choice.all || (choice.row && cell.row == *choice.row) ||
                     (choice.other_code && !other_code(run.code, cell.code).empty()));
           });
  };
  std::vector<RunSummary> taken;
  std::ranges::copy_if(runs, std::back_inserter(taken), is_asked);
  std::erase_if(runs, is_asked);
  return taken;
}

int64_t seen_runs(const SweepPlan& plan, const SweepManifest& earlier, const std::vector<RunSummary>& runs) {
  std::set<RunKey> cells;
  for (const PlannedCell& cell : plan.cells) cells.insert({cell.id, cell.cell.seed});
  for (const SweepCell& cell : earlier.cells) cells.insert({cell.id, cell.seed});
  return std::ranges::count_if(runs, [&](const RunSummary& run) { return cells.contains({run.id, run.seed}); });
}

}  // namespace subband
