#include "core/testing/catch.h"
#include "experiments/testing/sampling.h"

namespace repetition_penalty_test {
using namespace subband;
using testing::applied;
using testing::made_sampling;

TEST_CASE("a repetition penalty makes every token of the text less likely, once", "[repetition_penalty]") {
  const auto part = made_sampling("repetition_penalty", {{"penalty", config::Node(2.0)}});
  CHECK(applied(*part, {1, -1, 3, 0, -4}, {1, 2, 2, 2, 3}) == std::vector<double>{1, -2, 1.5, 0, -4});
  CHECK(applied(*part, {1, -1}) == std::vector<double>{1, -1});
}

TEST_CASE("a repetition penalty of 1 changes nothing, of 0 is refused", "[repetition_penalty]") {
  const auto one = made_sampling("repetition_penalty", {{"penalty", config::Node(1.0)}});
  CHECK(applied(*one, {0.3, -0.7}, {0, 1}) == std::vector<double>{0.3, -0.7});
  CHECK_THROWS_WITH(made_sampling("repetition_penalty", {{"penalty", config::Node(0.0)}}),
                    "part.penalty = 0.0: must be above 0 and at most 100");
}

}  // namespace repetition_penalty_test
