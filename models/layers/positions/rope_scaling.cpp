#include "models/layers/positions/rope_scaling.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <cmath>

#include "core/text.h"

namespace subband {

static constexpr double kTurn = 2 * 3.14159265358979323846;

void RopeScaling::bind(Binder& b) {
  b.choice("type", type, {"none", "linear", "llama3", "yarn"}, "the rule");
  b.field("factor", factor, {1, 1e6}, "longest window over that of training");
  b.field("length", length, {1, 1e9}, "longest window of training; llama3 and yarn");
  b.field("low_frequency", low_frequency, {0, 1e6, true},
          "llama3: slower pairs than length / it are stretched");
  b.field("high_frequency", high_frequency, {0, 1e6, true}, "llama3: faster pairs than length / it are left");
  b.field("beta_slow", beta_slow, {0, 1e6, true}, "yarn: pairs with fewer turns in `length` are stretched");
  b.field("beta_fast", beta_fast, {0, 1e6, true}, "yarn: pairs with more turns in `length` are left");
  b.field("whole_pairs", whole_pairs, "yarn: the ramp's ends are rounded outwards to whole pairs");
  b.field("amplitude", amplitude, {0, 1e6, true},
          "yarn: sines and cosines are multiplied by it; null: 0.1 ln(factor) + 1");
  b.check(type != "llama3" || high_frequency > low_frequency, "high_frequency",
          "must be above low_frequency = " + number_text(low_frequency));
  b.check(type != "yarn" || beta_fast >= beta_slow, "beta_fast",
          "must be at least beta_slow = " + number_text(beta_slow));
}

double RopeScaling::gain() const {
  if (type != "yarn") return 1;
  return amplitude.value_or(factor <= 1 ? 1 : 0.1 * std::log(factor) + 1);
}

static at::Tensor llama3_rates(const RopeScaling& s, const at::Tensor& rates) {
  const auto length = static_cast<double>(s.length);
  const at::Tensor period = rates.reciprocal() * kTurn;
  const at::Tensor slow = at::where(period > length / s.low_frequency, rates / s.factor, rates);
  const at::Tensor blend =
      (period.reciprocal() * length - s.low_frequency) / (s.high_frequency - s.low_frequency);
  const at::Tensor between = (period >= length / s.high_frequency) & (period <= length / s.low_frequency);
  return at::where(between, (1 - blend) * slow / s.factor + blend * slow, slow);
}

static at::Tensor yarn_rates(const RopeScaling& s, const at::Tensor& periods, int64_t head_width,
                             double base) {
  // The pair that makes `turns` turns in `length` positions.
  const auto pair_of = [&](double turns) {
    return static_cast<double>(head_width) * std::log(static_cast<double>(s.length) / (turns * kTurn)) /
           (2 * std::log(base));
  };
  double low = pair_of(s.beta_fast), high = pair_of(s.beta_slow);
  if (s.whole_pairs) low = std::floor(low), high = std::ceil(high);
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(head_width - 1));
  if (low == high) high += 0.001;  // a step in place of a ramp
  const at::Tensor pairs = at::arange(periods.size(0), periods.options());
  const at::Tensor stretched = ((pairs - low) / (high - low)).clamp(0, 1);
  return (periods * s.factor).reciprocal() * stretched + periods.reciprocal() * (1 - stretched);
}

at::Tensor RopeScaling::rates(int64_t head_width, double base) const {
  const at::Tensor powers =
      at::arange(0, head_width, 2, at::TensorOptions(at::kFloat)).div(static_cast<double>(head_width));
  const at::Tensor periods = at::pow(base, powers), plain = periods.reciprocal();
  if (type == "linear") return plain / factor;
  if (type == "llama3") return llama3_rates(*this, plain);
  if (type == "yarn") return yarn_rates(*this, periods, head_width, base);
  return plain;
}

}  // namespace subband
