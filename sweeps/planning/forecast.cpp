#include "sweeps/planning/forecast.h"

#include <fmt/format.h>

#include <ranges>

#include "core/json.h"
#include "sweeps/planning/plan.h"

namespace subband {

static double metric_or(const RunSummary& run, const char* name, double otherwise) {
  const auto found = run.metrics.find(name);
  return found == run.metrics.end() ? otherwise : found->second;
}

Forecast::Forecast(const std::vector<RunSummary>& runs) {
  std::vector<double> rates;
  constexpr size_t kTaught = 300;  // runs whose configs are read: a store may have thousands
  size_t taught = 0;
  for (const RunSummary& run : std::views::reverse(runs)) {  // the newest first
    if (run.status != Status::done || run.seconds <= 0 || run.resumes > 0) continue;
    Cost& cost = known_[run.id];
    cost.seconds.push_back(run.seconds);
    if (const double steps = metric_or(run, "train.seconds", 0); steps > 0 && steps < run.seconds)
      cost.steps_seconds.push_back(steps);
    if (const double peak = metric_or(run, "train.peak_mib", 0); peak > 0)
      cost.peak_mib.push_back(peak), cost.tensors_mib.push_back(metric_or(run, "train.peak_tensors_mib", 0));
    if (++taught > kTaught) continue;
    const auto config = read_json_or_null(run.config);
    const double flops = metric_or(run, "model.flops", 0);
    if (flops > 0 && cost.traits.positions == 0) cost.traits = cost_traits(config, run.parameters, flops);
    const double work = static_cast<double>(run.parameters) * static_cast<double>(training_tokens(config));
    if (work > 0) rates.push_back(work / run.seconds);
  }
  for (const auto& [id, cost] : known_) {
    if (cost.traits.flops <= 0) continue;
    is_taught_ = true;
    if (!cost.peak_mib.empty()) memory_.add(cost.traits, median_of(cost.peak_mib), median_of(cost.tensors_mib));
    if (cost.steps_seconds.empty()) continue;
    const double steps = median_of(cost.steps_seconds);
    steps_.add(cost.traits, steps);
    rest_.add(cost.traits, steps, median_of(cost.seconds) - steps);
  }
  steps_.fit();
  if (!rates.empty()) rate_ = median_of(std::move(rates));
}

void Forecast::predict(PlannedCell& cell) const {
  if (const auto known = known_.find(cell.id); known != known_.end()) {
    const Cost& cost = known->second;
    cell.seconds = median_of(cost.seconds);
    if (!cost.peak_mib.empty()) cell.peak_mib = median_of(cost.peak_mib);
    cell.basis = "earlier runs of this row";
    return;
  }
  const bool has_traits = cell.traits.flops > 0;
  if (has_traits && cell.devices == 0) cell.peak_mib = memory_.predict(cell.traits);
  if (const auto steps = has_traits ? steps_.predict(cell.traits) : std::nullopt) {
    cell.seconds = *steps + rest_.predict(cell.traits, *steps);
    cell.basis = "steps, values and operations, fitted to the runs of this store";
    return;
  }
  const double work = static_cast<double>(cell.parameters) * static_cast<double>(cell.tokens);
  if (!rate_ || work <= 0) return;
  cell.seconds = work / *rate_;
  cell.basis = fmt::format("{:.3g} parameters x tokens a second", *rate_);
}

}  // namespace subband
