#include <cmath>

#include "core/testing/catch.h"
#include "experiments/testing/sampling.h"

namespace adaptive_temperature_test {
using namespace subband;
using testing::applied;
using testing::made_sampling;

TEST_CASE("the adaptive temperature falls from highest to lowest as the entropy rises", "[adaptive_temperature]") {
  const auto part =
      made_sampling("adaptive_temperature", {{"lowest", config::Node(0.25)}, {"highest", config::Node(1.0)}});
  const std::vector<double> logits = {1, -2, 0.5, 3};
  const auto scaled = [&](double temperature) {
    std::vector<double> all = logits;
    for (double& each : all) each /= temperature;
    return all;
  };
  CHECK(applied(*part, logits, {}, 0) == scaled(1));
  CHECK(applied(*part, logits, {}, std::log(4.0)) == scaled(0.25));
  CHECK(applied(*part, logits, {}, std::log(4.0) / 3) == scaled(1 - 0.75 / 3));
}

TEST_CASE("an adaptive temperature of 0 divides by 1e-8", "[adaptive_temperature]") {
  const auto part = made_sampling("adaptive_temperature", {{"lowest", config::Node(0.0)}, {"highest", config::Node(0.0)}});
  CHECK(applied(*part, {1, 2}, {}, 0.1) == std::vector<double>{1 / 1e-8, 2 / 1e-8});
}

TEST_CASE("the lowest temperature is at most the highest", "[adaptive_temperature]") {
  CHECK_THROWS_WITH(made_sampling("adaptive_temperature", {{"lowest", config::Node(2.0)}}),
                    "part.lowest = 2.0: must be at most highest");
}

}  // namespace adaptive_temperature_test
