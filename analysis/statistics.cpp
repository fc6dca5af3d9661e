#include "analysis/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <vector>

namespace subband {

static constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

Summary summarize(std::span<const double> values) {
  Summary summary{.count = values.size(), .mean = kNoNumber, .deviation = kNoNumber};
  if (values.empty()) return summary;
  if (!std::ranges::all_of(values, [](double value) { return std::isfinite(value); })) {
    summary.mean = 0;  // inf, or NaN where both infinities or a NaN are among them, in whatever order
    for (const double value : values) summary.mean += std::isfinite(value) ? 0 : value;
    return summary;
  }
  // Deviations from the first value keep the digits that a sum of large values would lose.
  double sum = 0;
  for (const double value : values) sum += value - values[0];
  const auto count = static_cast<double>(values.size());
  summary.mean = values[0] + sum / count;
  if (!std::isfinite(summary.mean)) {  // the sum is too large for a number, the mean is not
    summary.mean = 0;
    for (const double value : values) summary.mean += value / count;
  }
  if (values.size() < 2) return summary;
  double largest = 0, squares = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value - summary.mean));
  constexpr double kSafe = 1e150;  // its square is a number
  const double unit = largest < kSafe ? 1 : largest;
  for (const double value : values)
    squares += ((value - summary.mean) / unit) * ((value - summary.mean) / unit);
  summary.deviation = unit * std::sqrt(squares / (count - 1));
  return summary;
}

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const double place = share * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(std::floor(place));
  const size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (place - std::floor(place)) * (values[high] - values[low]);
}

std::vector<double> quotients(std::span<const double> values, std::span<const double> of) {
  std::vector<double> all;
  for (size_t i = 0; i < std::min(values.size(), of.size()); ++i) all.push_back(values[i] / of[i]);
  return all;
}

std::string median_text(const std::vector<double>& values, int digits) {
  return fmt::format("{:.{}f} ({:.{}f}–{:.{}f})", quantile(values, 0.5), digits, quantile(values, 0.1), digits,
                     quantile(values, 0.9), digits);
}

PairedDifference paired_difference(const BySeed& row, const BySeed& baseline, double confidence) {
  std::vector<double> differences;
  for (const auto& [seed, value] : row) {
    const auto partner = baseline.find(seed);
    if (partner != baseline.end()) differences.push_back(value - partner->second);
  }
  const Summary summary = summarize(differences);
  PairedDifference paired{.pairs = summary.count,
                          .mean = summary.mean,
                          .deviation = summary.deviation,
                          .standard_error = kNoNumber,
                          .low = kNoNumber,
                          .high = kNoNumber};
  if (paired.pairs < 2) return paired;
  const auto pairs = static_cast<double>(paired.pairs);
  paired.standard_error = paired.deviation / std::sqrt(pairs);
  const boost::math::students_t_distribution<double> student(pairs - 1);
  const double reach = boost::math::quantile(student, 0.5 + confidence / 2) * paired.standard_error;
  paired.low = paired.mean - reach;
  paired.high = paired.mean + reach;
  return paired;
}

double gain(double difference, std::string_view goal) { return goal == "max" ? difference : -difference; }

std::string direction(const PairedDifference& difference, std::string_view goal) {
  if (std::isnan(difference.low)) return "unclear";
  if (difference.low <= 0 && difference.high >= 0) return "unclear";
  return gain(difference.mean, goal) > 0 ? "better" : "worse";
}

}  // namespace subband
