#include "core/testing/catch.h"
#include "experiments/testing/sampling.h"

namespace temperature_test {
using namespace subband;
using testing::applied;
using testing::kOut;
using testing::made_sampling;

TEST_CASE("a temperature divides the logits", "[temperature]") {
  CHECK(applied(*made_sampling("temperature", {{"value", config::Node(0.5)}}), {1, -2, 0}) == std::vector<double>{2, -4, 0});
}

TEST_CASE("temperature 0 leaves the largest logit, the first of equals", "[temperature]") {
  const auto greedy = made_sampling("temperature", {{"value", config::Node(0.0)}});
  CHECK(applied(*greedy, {1, 5, 5, -2}) == std::vector<double>{kOut, 5, kOut, kOut});
}

TEST_CASE("a temperature below 0 is refused", "[temperature]") {
  CHECK_THROWS_WITH(made_sampling("temperature", {{"value", config::Node(-1.0)}}), "part.value = -1.0: must be 0 to 100");
}

}  // namespace temperature_test
