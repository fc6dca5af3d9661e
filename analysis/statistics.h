// Small-sample statistics of sweeps: a row over its seeds, and its difference to a baseline paired by seed.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace subband {

struct Summary {
  size_t count = 0;
  double mean = 0;  ///< NaN of nothing; inf or NaN where such a value is among them
  double deviation =
      0;  ///< sample standard deviation, over count - 1; NaN of fewer than two or where the mean is no number
};
Summary summarize(std::span<const double> values);

/// The value below which `share` of them lie, between its neighbours in proportion; 0 of nothing.
double quantile(std::vector<double> values, double share);
/// value / of, pair by pair; as many as both have.
std::vector<double> quotients(std::span<const double> values, std::span<const double> of);
/// `5.0 (4.2–5.8)`: the median, and between which values eight of ten lie.
std::string median_text(const std::vector<double>& values, int digits);

/// Values by seed; a seed that failed is absent.
using BySeed = std::map<int64_t, double>;

/// d_i = row_i - baseline_i over the seeds that both have.
struct PairedDifference {
  size_t pairs = 0;
  double mean = 0;            ///< of d; NaN without pairs
  double deviation = 0;       ///< sample standard deviation of d; NaN of fewer than two pairs
  double standard_error = 0;  ///< deviation / sqrt(pairs)
  double low = 0, high = 0;   ///< Student's t interval of the mean; NaN of fewer than two pairs
};
/// `confidence`: of the interval, above 0 and below 1.
PairedDifference paired_difference(const BySeed& row, const BySeed& baseline, double confidence = 0.95);

/// What a difference means under a goal (`min` or `max`): `better` or `worse` when the interval excludes zero,
/// `unclear` when it does not or there is none.
std::string direction(const PairedDifference& difference, std::string_view goal);

/// How much better, in the metric's unit: positive is better under either goal.
double gain(double difference, std::string_view goal);

}  // namespace subband
