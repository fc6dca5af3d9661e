#include "sweeps/search/known_runs.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace subband {

KnownRuns::Key KnownRuns::key(size_t cell) const {
  const PlannedCell& planned = plan_.cells[cell];
  if (planned.id.empty()) return {"cell " + std::to_string(cell), planned.cell.seed};
  return {planned.id, planned.cell.seed};
}

std::optional<CellTurn> KnownRuns::turn_of(size_t cell) {
  Run& run = of(cell);
  if (!run.can_begin()) return std::nullopt;
  run.is_out = true;
  return CellTurn{.cell = cell};
}

std::optional<CellTurn> KnownRuns::turn_of(const SweepRow& row, int64_t seed) {
  const auto cell = add(row, seed);
  return cell ? turn_of(*cell) : std::nullopt;
}

std::optional<size_t> KnownRuns::add(const SweepRow& row, int64_t seed) {
  if (refused_.contains({row.label, seed})) return std::nullopt;
  try {
    return add_(row, seed);
  } catch (const ConfigError&) {  // said by whoever binds it
    refused_.insert({row.label, seed});
    return std::nullopt;
  }
}

bool KnownRuns::has_cut() const {
  return std::ranges::any_of(runs_, [](const auto& each) { return each.second.is_cut; });
}

std::optional<size_t> KnownRuns::cell(size_t row, int64_t seed) const {
  const auto found = std::ranges::find_if(plan_.cells, [&](const PlannedCell& each) {
    return each.cell.row == row && each.cell.seed == seed;
  });
  if (found == plan_.cells.end()) return std::nullopt;
  return static_cast<size_t>(found - plan_.cells.begin());
}

void KnownRuns::ended(size_t cell, const CellResult& result) {
  Run& run = of(cell);
  run.is_out = false;
  const Status status = result.outcome.status;
  run.has_ended = is_settled(status) || status == Status::reused || status == Status::failed ||
                  status == Status::out_of_memory || status == Status::time_out;
  run.is_cut = !run.has_ended && !(status == Status::stopped && result.outcome.is_paused);
  if (!run.is_cut || !run.result) run.result = result;
}

bool KnownRuns::has_ended(size_t cell) const {
  const auto run = runs_.find(key(cell));
  return run != runs_.end() && run->second.has_ended;
}

const CellResult* KnownRuns::result(size_t cell) const {
  const auto run = runs_.find(key(cell));
  return run != runs_.end() && run->second.result ? &*run->second.result : nullptr;
}

std::optional<double> KnownRuns::value(size_t cell, const std::string& metric) const {
  const auto run = runs_.find(key(cell));
  if (run == runs_.end() || !run->second.has_ended || !run->second.result) return std::nullopt;
  const Status status = run->second.result->outcome.status;
  const Metrics& metrics = run->second.result->metrics;
  const auto found = metrics.find(metric);
  if ((status != Status::done && status != Status::reused) || found == metrics.end()) return std::nullopt;
  return std::isfinite(found->second) ? std::optional(found->second) : std::nullopt;
}

}  // namespace subband
