#include "analysis/statistics.h"

#include <cmath>
#include <limits>
#include <vector>

#include "core/testing/catch.h"

using namespace subband;

// The textbook's two passes, in long double.
namespace statistics_test {
static long double mean_of(const std::vector<double>& values) {
  long double sum = 0;
  for (const double value : values) sum += static_cast<long double>(value);
  return sum / static_cast<long double>(values.size());
}
static long double deviation_of(const std::vector<double>& values) {
  long double sum = 0;
  for (const double value : values) sum += std::pow(static_cast<long double>(value) - mean_of(values), 2.0L);
  return std::sqrt(sum / static_cast<long double>(values.size() - 1));
}
}  // namespace statistics_test

TEST_CASE("mean and sample deviation are the textbook's", "[statistics]") {
  for (const auto& values : std::vector<std::vector<double>>{
           {2.5, 2.75}, {1, 2, 3, 4, 10}, {-1, 1}, {1e9 + 1, 1e9 + 2, 1e9 + 4}, {0.1, 0.1, 0.1}}) {
    const Summary summary = summarize(values);
    CHECK(summary.count == values.size());
    CHECK(std::abs(summary.mean - static_cast<double>(statistics_test::mean_of(values))) <=
          1e-15 * std::abs(summary.mean));
    CHECK(std::abs(summary.deviation - static_cast<double>(statistics_test::deviation_of(values))) < 1e-12);
  }
}

TEST_CASE("a quantile lies between its neighbours", "[statistics]") {
  CHECK(quantile({3, 1, 2}, 0.5) == 2);
  CHECK(quantile({0, 10}, 0.1) == Approx(1));
  CHECK(quantile({}, 0.5) == 0);
  CHECK(quotients(std::vector<double>{3, 8}, std::vector<double>{2, 4, 5}) == std::vector<double>{1.5, 2});
  CHECK(median_text({4, 5, 6}, 1) == "5.0 (4.2–5.8)");
}

TEST_CASE("nothing has no mean and one value has no deviation", "[statistics]") {
  CHECK(std::isnan(summarize({}).mean));
  const std::vector<double> one = {3.5};
  CHECK(summarize(one).mean == 3.5);
  CHECK(std::isnan(summarize(one).deviation));
}

TEST_CASE("a paired difference uses only the seeds that both rows have", "[statistics]") {
  const BySeed row = {{1, 2.5}, {2, 2.7}, {3, 9.0}}, baseline = {{1, 2.4}, {2, 2.5}, {4, 0.0}};
  const PairedDifference paired = paired_difference(row, baseline);
  CHECK(paired.pairs == 2);
  CHECK(std::abs(paired.mean - 0.15) < 1e-12);
  CHECK(std::abs(paired.deviation - std::sqrt(0.005)) < 1e-12);
  CHECK(std::abs(paired.standard_error - 0.05) < 1e-12);
}

TEST_CASE("the interval uses Student's quantiles of the printed tables", "[statistics]") {
  // t(0.975) for 1, 2, 4 and 9 degrees of freedom, from any statistics book
  const std::map<int64_t, double> table = {{2, 12.706}, {3, 4.303}, {5, 2.776}, {10, 2.262}};
  for (const auto& [count, quantile] : table) {
    BySeed row, baseline;
    for (int64_t seed = 0; seed < count; ++seed) {
      row[seed] = 1.0 + 0.1 * static_cast<double>(seed);
      baseline[seed] = 0.5;
    }
    const PairedDifference paired = paired_difference(row, baseline);
    CHECK(std::abs((paired.high - paired.mean) / paired.standard_error - quantile) < 1e-3);
    CHECK(std::abs((paired.mean - paired.low) - (paired.high - paired.mean)) < 1e-12);
  }
}

TEST_CASE("a shift of all seeds is found although the seeds scatter more than it", "[statistics]") {
  const BySeed baseline = {{1, 2.0}, {2, 3.0}, {3, 4.0}}, row = {{1, 2.11}, {2, 3.10}, {3, 4.09}};
  CHECK(direction(paired_difference(row, baseline), "min") == "worse");
  CHECK(direction(paired_difference(row, baseline), "max") == "better");
  CHECK(direction(paired_difference(baseline, row), "min") == "better");
}

TEST_CASE("a difference is unclear when its interval holds zero or there is no interval", "[statistics]") {
  CHECK(direction(paired_difference({{1, 2.0}, {2, 3.1}}, {{1, 2.1}, {2, 3.0}}), "min") == "unclear");
  CHECK(direction(paired_difference({{1, 9.0}}, {{1, 2.1}}), "min") == "unclear");
  CHECK(direction(paired_difference({}, {{1, 2.1}}), "min") == "unclear");
  CHECK(paired_difference({}, {{1, 2.1}}).pairs == 0);
}

TEST_CASE("a mean of infinities does not depend on the order of the seeds", "[statistics]") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  for (const std::vector<double>& values : {std::vector<double>{inf, 2.5}, std::vector<double>{2.5, inf}}) {
    CHECK(summarize(values).mean == inf);
    CHECK(std::isnan(summarize(values).deviation));
  }
  for (const std::vector<double>& values : {std::vector<double>{inf, -inf}, std::vector<double>{-inf, inf},
                                            std::vector<double>{2.5, nan}, std::vector<double>{nan, inf}})
    CHECK(std::isnan(summarize(values).mean));
}

TEST_CASE("values near the largest number have a mean and a spread", "[statistics]") {
  const std::vector<double> values = {1e308, -1e308, 1.5e308};
  CHECK(summarize(values).mean == Approx(5e307));
  CHECK(std::isfinite(summarize(values).deviation));
}
