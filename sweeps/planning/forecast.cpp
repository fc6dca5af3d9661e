#include "sweeps/planning/forecast.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/json.h"
#include "sweeps/planning/plan.h"

namespace subband {

static double metric_or(const RunSummary& run, const char* name, double otherwise) {
  const auto found = run.metrics.find(name);
  return found == run.metrics.end() ? otherwise : found->second;
}

Forecast::Forecast(const std::vector<RunSummary>& runs) {
  std::vector<double> rates;
  for (const RunSummary& run : runs) {
    if (run.status != Status::done || run.seconds <= 0) continue;
    Cost& cost = known_[run.id];
    cost.seconds += run.seconds;
    ++cost.runs;
    if (const double peak = metric_or(run, "train.peak_mib", 0); peak > 0)
      cost.peak_mib += peak, ++cost.peaks;
    const auto config = read_json_or_null(run.config);
    const double work = static_cast<double>(run.parameters) * static_cast<double>(training_tokens(config));
    if (work > 0) rates.push_back(work / run.seconds);
  }
  if (rates.empty()) return;
  const auto middle = rates.begin() + static_cast<std::ptrdiff_t>(rates.size() / 2);
  std::ranges::nth_element(rates, middle);
  rate_ = *middle;
}

void Forecast::predict(PlannedCell& cell) const {
  if (const auto known = known_.find(cell.id); known != known_.end()) {
    const Cost& cost = known->second;
    cell.seconds = cost.seconds / static_cast<double>(cost.runs);
    if (cost.peaks > 0) cell.peak_mib = cost.peak_mib / static_cast<double>(cost.peaks);
    cell.basis = "earlier runs of this row";
    return;
  }
  const double work = static_cast<double>(cell.parameters) * static_cast<double>(cell.tokens);
  if (!rate_ || work <= 0) return;
  cell.seconds = work / *rate_;
  cell.basis = fmt::format("{:.3g} parameters x tokens a second", *rate_);
}

}  // namespace subband
