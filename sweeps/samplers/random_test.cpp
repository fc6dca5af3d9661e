#include <cmath>

#include "core/testing/catch.h"
#include "sweeps/testing/small_search.h"

namespace subband::random_sampler_test {

TEST_CASE("random search draws every value as often as the others", "[sampler]") {
  const SearchSpace space = testing::space_of(
      "{lr: {low: 1e-4, high: 1.0, log: true}, n: {low: 1, high: 4}, m: {low: 1, high: 8, log: true}, c: [a, b], "
      "h: {choice: [2, 4], when: {c: b}}}");
  const auto trials = testing::drawn_blindly("random", space, 4000, 5);
  double decades[4] = {}, numbers[5] = {}, ones = 0, idle = 0, choices[2] = {};
  for (const SearchTrial& trial : trials) {
    const SearchPoint& p = trial.point;
    ++decades[std::min(3, static_cast<int>(-std::log10(*p[0])))];
    ++numbers[static_cast<int>(*p[1])];
    ones += *p[2] == 1 ? 1 : 0;
    ++choices[static_cast<int>(*p[3])];
    idle += p[4] ? 0 : 1;
  }
  // 1,000 of 4,000 with a standard deviation of 27
  for (const double each : decades) CHECK(std::abs(each - 1000) < 110);
  for (int n = 1; n <= 4; ++n) CHECK(std::abs(numbers[n] - 1000) < 110);
  CHECK(std::abs(ones - 4000 * std::log(1.5 / 0.5) / std::log(8.5 / 0.5)) < 130);
  CHECK(idle == choices[0]);
  CHECK(std::abs(choices[0] - 2000) < 130);
}

}  // namespace subband::random_sampler_test
