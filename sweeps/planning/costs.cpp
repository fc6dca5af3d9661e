#include "sweeps/planning/costs.h"

#include <algorithm>
#include <cmath>

#include "core/json.h"

namespace subband {

namespace {

constexpr double kMib = 1024.0 * 1024.0;

// The first step takes as long as three: memory is new to the process.
constexpr double kStepsOfStart = 2;
// Seconds before the first step, and time of a forward pass over that of a whole step.
constexpr double kStart = 0.2, kForward = 0.31;
constexpr double kCopiesOfWeights = 3;
// Of a step's time, where nothing tells more: its start, what moves values, what multiplies.
constexpr std::array kUsualShares = {0.1, 0.65, 0.25};

// A whole number under `a.b` of a config, or another one.
double count_under(const RecordJson& config, const char* group, const char* key, double otherwise) {
  if (!config.is_object() || !config.contains(group) || !config[group].is_object()) return otherwise;
  return static_cast<double>(integer_in(config[group], key, static_cast<int64_t>(otherwise)));
}

// Everything but the numbers, each of which is `#`.
void add_structure(const RecordJson& node, std::string& text) {
  if (node.is_number()) {
    text += '#';
  } else if (node.is_structured()) {
    text += node.is_object() ? '{' : '[';
    for (const auto& [key, value] : node.items()) {
      if (node.is_object()) text += key + ":";
      add_structure(value, text);
      text += ',';
    }
    text += '}';
  } else {
    text += node.dump();
  }
}

std::string text_under(const RecordJson& config, const char* group, const char* key) {
  if (!config.is_object() || !config.contains(group) || !config[group].is_object() || !config[group].contains(key)) return "";
  return config[group][key].dump();
}

}  // namespace

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

CostTraits cost_traits(const RecordJson& config, int64_t parameters, double flops) {
  const double batch = count_under(config, "trainer", "batch", 1),
               length = count_under(config, "trainer", "length", 1);
  const double steps = count_under(config, "trainer", "steps", 0);
  const double sequences = steps * batch * count_under(config, "trainer", "accumulate", 1);
  constexpr double kForwardAndBackward = 3, kBytes = 4;
  const double windows = std::ceil(batch / count_under(config, "trainer", "split", 1));  // at once
  const double channels = count_under(config, "net", "width", 1) * count_under(config, "net", "layers", 1);
  const double every = count_under(config, "trainer", "evaluate_every", 0);
  const bool has_net = config.is_object() && config.contains("net") && config["net"].is_object();
  CostTraits traits{.net = has_net ? text_in(config["net"], "type") : "",
                    .steps = steps,
                    .flops = kForwardAndBackward * flops * sequences / 1e9,
                    .values = sequences * length * channels / 1e6,
                    .positions = sequences * length,
                    .parameters = kBytes * static_cast<double>(parameters) / kMib,
                    .activations = kBytes * windows * length / kMib * channels};
  if (every > 0)
    traits.estimated =
        std::floor(steps / every) * count_under(config, "trainer", "evaluate_batches", 1) * batch * length;
  if (has_net) add_structure(config["net"], traits.structure);
  for (const char* key : {"threads", "device", "precision"}) traits.structure += " " + text_under(config, "trainer", key);
  for (const char* group : {"data", "task"})
    if (config.is_object() && config.contains(group)) traits.measured += config[group].dump() + " ";
  for (const char* key : {"protocols", "evaluate_tokens"}) traits.measured += text_under(config, "trainer", key) + " ";
  return traits;
}

StepTime::Terms StepTime::terms_of(const CostTraits& traits) {
  const double all = traits.steps > 0 ? 1 + kStepsOfStart / traits.steps : 1;
  return {all * traits.steps, all * traits.values, all * traits.flops};
}

void StepTime::add(const CostTraits& traits, double seconds) {
  if (traits.positions > 0 && traits.flops > 0 && seconds > 0)
    seen_.push_back({terms_of(traits), seconds, traits.structure});
}

double StepTime::sum(const Terms& terms) const {
  double sum = 0;
  for (size_t k = 0; k < kTerms; ++k) sum += weights_[k] * terms[k];
  return sum;
}

// So that each term has its usual share of every run.
void StepTime::begin_weights() {
  for (size_t k = 0; k < kTerms; ++k) {
    double sum = 0, squares = 0;
    for (const Seen& run : seen_) sum += run.terms[k] / run.seconds, squares += std::pow(run.terms[k] / run.seconds, 2);
    weights_[k] = kUsualShares[k] * sum / squares;
  }
}

// Least squares of relative errors, one weight after the other; those below zero are zero.
void StepTime::fit_weights() {
  constexpr double kUsual = 0.02;  // how much the usual share counts beside what a run tells
  std::array<Terms, kTerms> products{};
  Terms sums{};
  for (const Seen& run : seen_) {
    const double seconds = run.seconds / factors_.at(run.structure);
    for (size_t k = 0; k < kTerms; ++k) {
      const double share = run.terms[k] / seconds;
      sums[k] += share * (1 + kUsual * kUsualShares[k]);
      products[k][k] += kUsual * share * share;
      for (size_t j = 0; j < kTerms; ++j) products[k][j] += share * run.terms[j] / seconds;
    }
  }
  constexpr int kRounds = 300;
  for (int round = 0; round < kRounds; ++round) {
    for (size_t k = 0; k < kTerms; ++k) {
      double rest = sums[k];
      for (size_t j = 0; j < kTerms; ++j) rest -= products[k][j] * weights_[j];
      weights_[k] = std::max(0.0, weights_[k] + rest / products[k][k]);
    }
  }
}

void StepTime::fit_factors() {
  std::map<std::string, std::vector<double>> ratios;
  for (const Seen& run : seen_) ratios[run.structure].push_back(run.seconds / sum(run.terms));
  std::vector<double> medians;
  for (const auto& [structure, all] : ratios) medians.push_back(factors_[structure] = median_of(all));
  factors_[""] = median_of(medians);
}

void StepTime::fit() {
  if (seen_.empty()) return;
  begin_weights();
  fit_factors();
  constexpr int kTurns = 20;
  for (int turn = 0; turn < kTurns; ++turn) fit_weights(), fit_factors();
}

std::optional<double> StepTime::predict(const CostTraits& traits) const {
  if (factors_.empty() || traits.positions <= 0) return std::nullopt;
  const auto own = factors_.find(traits.structure);
  return sum(terms_of(traits)) * (own != factors_.end() ? own->second : factors_.at(""));
}

void RestTime::add(const CostTraits& traits, double steps_seconds, double rest_seconds) {
  if (traits.positions <= 0 || steps_seconds <= 0) return;
  const double forward = kForward * steps_seconds / traits.positions;
  const double positions = std::max(0.0, (rest_seconds - kStart) / forward - traits.estimated);
  positions_[traits.measured].push_back(positions);
  if (!traits.measured.empty()) positions_[""].push_back(positions);
}

double RestTime::predict(const CostTraits& traits, double steps_seconds) const {
  if (positions_.empty()) return kStart;
  const auto own = positions_.find(traits.measured);
  const double final_positions = median_of(own != positions_.end() ? own->second : positions_.at(""));
  return kStart + kForward * steps_seconds / traits.positions * (traits.estimated + final_positions);
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

}  // namespace subband
