#include "analysis/evidence.h"

#include <algorithm>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <vector>

namespace subband {

namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

std::vector<double> negated(std::span<const double> values) {
  std::vector<double> other;
  for (const double value : values) other.push_back(-value);
  return other;
}

// The largest centre that is refuted from below. What is shown against a centre is shown against every smaller one.
double lower_end(std::span<const double> differences, double error) {
  if (differences.empty()) return -kInfinite;
  const auto [least, most] = std::ranges::minmax(differences);
  const double reach = std::max(most - least, std::abs(most) * 1e-9) + 1e-300;
  double refuted = least - reach, kept = most;
  if (!shown_above(differences, refuted, error)) {
    for (int i = 0; i < 60 && !shown_above(differences, refuted, error); ++i) refuted -= (most - refuted);
    if (!shown_above(differences, refuted, error)) return -kInfinite;
  }
  for (int i = 0; i < 60; ++i) {
    const double middle = refuted + (kept - refuted) / 2;
    (shown_above(differences, middle, error) ? refuted : kept) = middle;
  }
  return refuted;
}

// The fewest further factors, each at most 2, that can bring E to 1/error.
size_t least_further(std::span<const double> differences, double centre, double error) {
  Evidence evidence(centre);
  for (const double each : differences) evidence.add(each);
  const double missing = -std::log(error) - evidence.logarithm();
  return missing <= 0 ? 1 : static_cast<size_t>(std::ceil(missing / std::log(2.0)));
}

struct Shown {
  std::optional<size_t> above, below;
};

Decision decided(Verdict verdict, size_t pairs) { return {.verdict = verdict, .pairs = pairs}; }

Decision decide_direction(const EffectClaim& claim, std::span<const double> effects) {
  const Shown bound = {shown_above(effects, claim.by, claim.error), shown_below(effects, claim.by, claim.error)};
  if (bound.above && (!bound.below || *bound.above < *bound.below))
    return decided(Verdict::supported, *bound.above);
  if (!bound.below) return decided(Verdict::undecided, effects.size());
  const auto within = shown_above(effects, -claim.by, claim.error);
  const bool is_equivalent = claim.by > 0 && within && *within <= *bound.below;
  return decided(is_equivalent ? Verdict::equivalent : Verdict::refuted, *bound.below);
}

Decision decide_equal(const EffectClaim& claim, std::span<const double> effects) {
  // Either side can refute; only one of the two can be wrong about equal ones at a time, so each has half.
  const auto above = shown_above(effects, claim.by, claim.error / 2);
  const auto below = shown_below(effects, -claim.by, claim.error / 2);
  const Shown inner = {shown_above(effects, -claim.by, claim.error), shown_below(effects, claim.by, claim.error)};
  const size_t never = effects.size() + 1;
  const size_t refuted = std::min(above.value_or(never), below.value_or(never));
  const size_t equal = std::max(inner.above.value_or(never), inner.below.value_or(never));
  if (equal < never && equal <= refuted) return decided(Verdict::equivalent, equal);
  if (refuted < never) return decided(Verdict::refuted, refuted);
  return decided(Verdict::undecided, effects.size());
}

}  // namespace

void Evidence::add(double difference) {
  const double x = difference - centre_;
  const auto before = static_cast<double>(count_);
  for (size_t k = 0; k < 2; ++k) {
    double factor = 1 + 0.3 * sign(x);
    if (count_ >= 2) {
      const double spread = std::sqrt(squares_ / (before - 1));
      const double scaled = spread > 0 ? kDistances[k] * x / spread : sign(x) * kInfinite;
      factor = 1 + std::min(0.95, 1 - 1 / (before + 1)) * (x == 0 ? 0 : std::tanh(scaled));
    }
    logs_[k] += std::log(factor);
  }
  ++count_;
  const double step = difference - mean_;
  mean_ += step / (before + 1);
  squares_ += step * (difference - mean_);
}

double Evidence::logarithm() const {
  const double larger = std::max(logs_[0], logs_[1]), smaller = std::min(logs_[0], logs_[1]);
  return larger + std::log((1 + std::exp(smaller - larger)) / 2);
}

std::optional<size_t> shown_above(std::span<const double> differences, double centre, double error) {
  Evidence evidence(centre);
  const double enough = -std::log(error);
  for (const double each : differences) {
    evidence.add(each);
    if (evidence.logarithm() >= enough) return evidence.count();
  }
  return std::nullopt;
}

std::optional<size_t> shown_below(std::span<const double> differences, double centre, double error) {
  return shown_above(negated(differences), -centre, error);
}

AlwaysValid always_valid(std::span<const double> differences, double error) {
  return {.low = lower_end(differences, error), .high = -lower_end(negated(differences), error)};
}

Decision decide(const EffectClaim& claim, std::span<const double> gains) {
  const bool is_worse = claim.is == "worse", is_equal = claim.is == "equal";
  const std::vector<double> turned = negated(gains);
  const std::span<const double> effects = is_worse ? std::span<const double>(turned) : gains;
  Decision decision = is_equal ? decide_equal(claim, effects) : decide_direction(claim, effects);
  if (decision.verdict != Verdict::undecided) return decision;
  const double lower = is_equal ? -claim.by : claim.by;  // the bounds against which something may be shown first
  decision.least_further = std::min(least_further(effects, lower, claim.error),
                                    least_further(negated(effects), -claim.by, claim.error));
  return decision;
}

std::optional<size_t> fixed_pairs(double distance, double error, double power) {
  constexpr size_t kMost = 1'000'000;
  constexpr double kFarthest = 100;  // beyond it Boost's sum finds no number for its first term
  const double effect = std::min(distance, kFarthest);
  const auto has_power = [&](size_t pairs) {
    const auto n = static_cast<double>(pairs);
    const double bound = boost::math::quantile(boost::math::complement(boost::math::students_t(n - 1), error));
    const boost::math::non_central_t shifted(n - 1, effect * std::sqrt(n));
    return boost::math::cdf(boost::math::complement(shifted, bound)) >= power;
  };
  size_t low = 2, high = 2;
  for (; !has_power(high); high *= 2) {
    if (high >= kMost) return std::nullopt;
    low = high;
  }
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    (has_power(middle) ? high : low) = has_power(middle) ? middle : middle + 1;
  }
  return low;
}

}  // namespace subband
