#include <cmath>

#include "core/testing/catch.h"
#include "experiments/testing/sampling.h"

namespace min_p_test {
using namespace subband;
using testing::kOut;

TEST_CASE("min-p keeps what has a share of the likeliest token's probability", "[min_p]") {
  const auto part = testing::made_sampling("min_p", {{"share", config::Node(0.25)}});
  const double half = std::log(0.5), third = std::log(0.3), tenth = std::log(0.1);
  CHECK(testing::applied(*part, {half, third, tenth, tenth}) == std::vector<double>{half, third, kOut, kOut});
  CHECK(testing::applied(*part, {half + 7, third + 7, tenth + 7}) == std::vector<double>{half + 7, third + 7, kOut});
}

TEST_CASE("a min-p share above 1 is refused", "[min_p]") {
  CHECK_THROWS_WITH(testing::made_sampling("min_p", {{"share", config::Node(2.0)}}), "part.share = 2.0: must be above 0 and at most 1");
}

}  // namespace min_p_test
