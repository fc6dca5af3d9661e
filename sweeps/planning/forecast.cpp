#include "sweeps/planning/forecast.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/json.h"
#include "sweeps/planning/plan.h"

namespace subband {

namespace {

constexpr double kMib = 1024.0 * 1024.0;

double metric_or(const RunSummary& run, const char* name, double otherwise) {
  const auto found = run.metrics.find(name);
  return found == run.metrics.end() ? otherwise : found->second;
}

// A whole number under `a.b` of a config, or another one.
double count_under(const RecordJson& config, const char* group, const char* key, double otherwise) {
  if (!config.is_object() || !config.contains(group) || !config[group].is_object()) return otherwise;
  return static_cast<double>(integer_in(config[group], key, static_cast<int64_t>(otherwise)));
}

CostModel::Terms time_terms(const CostTraits& traits) { return {1, traits.steps, traits.flops}; }

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

constexpr double kCopiesOfWeights = 3;

}  // namespace

CostTraits cost_traits(const RecordJson& config, int64_t parameters, double flops) {
  const double batch = count_under(config, "trainer", "batch", 1),
               length = count_under(config, "trainer", "length", 1);
  const double steps = count_under(config, "trainer", "steps", 0);
  const double sequences = steps * batch * count_under(config, "trainer", "accumulate", 1);
  constexpr double kForwardAndBackward = 3, kBytes = 4;
  const double windows = std::ceil(batch / count_under(config, "trainer", "split", 1));  // at once
  const double positions = kBytes * windows * length / kMib;
  const bool has_net = config.is_object() && config.contains("net") && config["net"].is_object();
  return {.net = has_net ? text_in(config["net"], "type") : "",
          .steps = steps,
          .flops = kForwardAndBackward * flops * sequences / 1e9,
          .parameters = kBytes * static_cast<double>(parameters) / kMib,
          .activations =
              positions * count_under(config, "net", "width", 1) * count_under(config, "net", "layers", 1)};
}

bool CostModel::fit() {
  std::vector<Terms> distinct = terms_;
  std::ranges::sort(distinct);
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  size_t used = 0;
  for (size_t k = 0; k < kTerms; ++k)
    used += std::ranges::any_of(terms_, [&](const Terms& each) { return each[k] != 0; }) ? 1 : 0;
  if (distinct.size() < used || distinct.size() < 3) return false;
  // Least squares of relative errors, one weight after the other; those below zero are zero.
  std::array<Terms, kTerms> products{};
  Terms sums{};
  for (size_t i = 0; i < costs_.size(); ++i) {
    for (size_t k = 0; k < kTerms; ++k) {
      sums[k] += terms_[i][k] / costs_[i];
      for (size_t j = 0; j < kTerms; ++j)
        products[k][j] += terms_[i][k] * terms_[i][j] / (costs_[i] * costs_[i]);
    }
  }
  constexpr int kRounds = 100'000;
  for (int round = 0; round < kRounds; ++round) {
    for (size_t k = 0; k < kTerms; ++k) {
      if (products[k][k] == 0) continue;
      double rest = sums[k];
      for (size_t j = 0; j < kTerms; ++j) rest -= products[k][j] * weights_[j];
      weights_[k] = std::max(0.0, weights_[k] + rest / products[k][k]);
    }
  }
  return true;
}

double CostModel::predict(const Terms& terms) const {
  double sum = 0;
  for (size_t k = 0; k < kTerms; ++k) sum += weights_[k] * terms[k];
  return sum;
}

void MemoryModel::add(const CostTraits& traits, double peak_mib, double tensors_mib) {
  if (traits.activations <= 0 || tensors_mib <= 0) return;
  without_tensors_.push_back(peak_mib - tensors_mib);
  const double values = (tensors_mib - kCopiesOfWeights * traits.parameters) / traits.activations;
  values_[traits.net].push_back(std::max(values, 0.0));
  if (!traits.net.empty()) values_[""].push_back(std::max(values, 0.0));
}

std::optional<double> MemoryModel::predict(const CostTraits& traits) const {
  if (without_tensors_.empty()) return std::nullopt;
  const auto own = values_.find(traits.net);
  const double values = median_of(own != values_.end() ? own->second : values_.at(""));
  return median_of(without_tensors_) + kCopiesOfWeights * traits.parameters + values * traits.activations;
}

Forecast::Forecast(const std::vector<RunSummary>& runs) {
  std::vector<double> rates;
  for (const RunSummary& run : runs) {
    if (run.status != Status::done || run.seconds <= 0 || run.resumes > 0) continue;
    Cost& cost = known_[run.id];
    cost.seconds += run.seconds;
    ++cost.runs;
    if (const double peak = metric_or(run, "train.peak_mib", 0); peak > 0)
      cost.peak_mib += peak, cost.tensors_mib += metric_or(run, "train.peak_tensors_mib", 0), ++cost.peaks;
    const auto config = read_json_or_null(run.config);
    const double flops = metric_or(run, "model.flops", 0);
    if (flops > 0) cost.traits = cost_traits(config, run.parameters, flops);
    const double work = static_cast<double>(run.parameters) * static_cast<double>(training_tokens(config));
    if (work > 0) rates.push_back(work / run.seconds);
  }
  CostModel time;
  for (const auto& [id, cost] : known_) {
    if (cost.traits.flops <= 0) continue;
    time.add(time_terms(cost.traits), cost.seconds / static_cast<double>(cost.runs));
    const auto peaks = static_cast<double>(cost.peaks);
    if (cost.peaks > 0) memory_.add(cost.traits, cost.peak_mib / peaks, cost.tensors_mib / peaks);
  }
  if (time.fit()) time_ = std::move(time);
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
  const bool has_traits = cell.traits.flops > 0;
  if (has_traits && cell.devices == 0) cell.peak_mib = memory_.predict(cell.traits);
  if (has_traits && time_) {
    cell.seconds = time_->predict(time_terms(cell.traits));
    cell.basis = "steps and operations, fitted to the runs of this store";
    return;
  }
  const double work = static_cast<double>(cell.parameters) * static_cast<double>(cell.tokens);
  if (!rate_ || work <= 0) return;
  cell.seconds = work / *rate_;
  cell.basis = fmt::format("{:.3g} parameters x tokens a second", *rate_);
}

}  // namespace subband
