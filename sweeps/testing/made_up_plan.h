// A plan without recipes, and what runs a queue on it: values come from a function of row and seed.
#pragma once
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "core/config/yaml.h"
#include "core/error.h"
#include "sweeps/planning/plan.h"
#include "sweeps/queue.h"

namespace subband::testing {

struct MadeUpPlan {
  SweepPlan plan;
  std::function<bool(const SweepRow& row)> is_refused = {};  ///< rows that cannot be bound
  AddCell add = [this](const SweepRow& row, int64_t seed) { return added(row, seed); };

  explicit MadeUpPlan(const std::string& spec) {
    plan.spec = bind_sweep("made up", config::parse_yaml(spec, "made_up.yaml"));
    plan.grid = expand(plan.spec);
    for (const Cell& cell : plan.grid.cells) plan.cells.push_back(planned(cell));
  }
  MadeUpPlan(const MadeUpPlan&) = delete;
  MadeUpPlan& operator=(const MadeUpPlan&) = delete;

 private:
  PlannedCell planned(const Cell& cell) const {
    const SweepRow& row = plan.grid.rows[cell.row];
    std::string id = row.recipe;
    for (const std::string& each : row.overrides) id += " " + each;
    return {.cell = cell, .id = id};
  }
  size_t added(const SweepRow& row, int64_t seed) {
    size_t number = 0;
    while (number < plan.grid.rows.size() && plan.grid.rows[number].label != row.label) ++number;
    if (is_refused && is_refused(row)) throw ConfigError(row.label, "cannot be bound", "bad_value");
    if (number == plan.grid.rows.size()) plan.grid.rows.push_back(row);
    for (size_t i = 0; i < plan.cells.size(); ++i)
      if (plan.cells[i].cell.row == number && plan.cells[i].cell.seed == seed) return i;
    plan.cells.push_back(planned({.row = number, .seed = seed, .name = row.label}));
    return plan.cells.size() - 1;
  }
};

/// What a cell's turn gives.
using MadeUpRun = std::function<CellResult(const SweepRow& row, int64_t seed, const CellTurn& turn)>;

/// A run that is done at once with one value of the plan's metric.
inline MadeUpRun done_with(std::function<double(const SweepRow& row, int64_t seed)> value,
                           const std::string& metric = "valid.bpb") {
  return [=](const SweepRow& row, int64_t seed, const CellTurn&) {
    return CellResult{.metrics = {{metric, value(row, seed)}}};
  };
}

/// Runs a queue on `jobs` workers, first in first out, for at most `turns`; returns the turns in their order.
inline std::vector<CellTurn> run_queue(CellQueue& queue, const MadeUpPlan& made_up, const MadeUpRun& run,
                                       size_t jobs = 1, size_t turns = 100000) {
  std::vector<CellTurn> all;
  std::deque<CellTurn> running;
  while (true) {
    while (running.size() < jobs && all.size() < turns) {
      const auto turn = queue.next();
      if (!turn) break;
      running.push_back(*turn);
      all.push_back(*turn);
    }
    if (running.empty()) return all;
    const CellTurn turn = running.front();
    running.pop_front();
    const Cell& cell = made_up.plan.cells[turn.cell].cell;
    queue.ended(turn.cell, run(made_up.plan.grid.rows[cell.row], cell.seed, turn));
  }
}

}  // namespace subband::testing
