#include "sweeps/planning/split_cell.h"

#include <algorithm>

namespace subband {

static int64_t trainer_count(const config::Node& resolved, const char* path) {
  const config::Node* count = resolved.at(path);
  return count != nullptr && count->is(config::Node::Kind::integer) ? count->integer() : 1;
}

bool split_cell(SweepPlan& plan, size_t cell, const PrepareRow& prepare, const std::vector<RunSummary>& runs) {
  if (plan.spec.on_memory != "split") return false;
  const PlannedCell& whole = plan.cells[cell];
  const SweepRow& row = plan.grid.rows[whole.cell.row];
  std::vector<std::string> overrides = cell_overrides(plan.spec, row, whole.cell.seed, plan.extra);
  const config::Node resolved = prepare(row.recipe, overrides).resolved;
  const int64_t windows = trainer_count(resolved, "trainer.batch");
  const int64_t parts = std::max(whole.split, trainer_count(resolved, "trainer.split"));
  if (parts >= windows) return false;
  const int64_t split = std::min(2 * parts, windows);
  overrides.push_back(split_override(split));
  PlannedCell planned = planned_cell(prepare(row.recipe, overrides), whole.cell, runs);
  planned.split = split;
  planned.disk_mib = whole.disk_mib;
  plan.cells[cell] = std::move(planned);
  return true;
}

void split_known_cells(SweepPlan& plan, const PrepareRow& prepare, const std::vector<RunSummary>& runs) {
  const auto lacked_memory = [&](size_t cell) {
    const PlannedCell& each = plan.cells[cell];
    return each.status == Status::out_of_memory && each.other_code.empty();
  };
  for (size_t cell = 0; cell < plan.cells.size(); ++cell)
    while (lacked_memory(cell) && split_cell(plan, cell, prepare, runs)) {
    }
}

}  // namespace subband
