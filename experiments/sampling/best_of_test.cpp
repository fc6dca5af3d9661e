#include "core/testing/catch.h"
#include "experiments/testing/sampling.h"

namespace best_of_test {
using namespace subband;

TEST_CASE("best-of asks for its texts and changes no logits", "[best_of]") {
  const auto part = testing::made_sampling("best_of", {{"texts", config::Node(int64_t{7})}});
  CHECK(part->attempts() == 7);
  CHECK(testing::applied(*part, {1, 2}) == std::vector<double>{1, 2});
  CHECK_THROWS_WITH(testing::made_sampling("best_of", {{"texts", config::Node(int64_t{0})}}),
                    "part.texts = 0: must be 1 to 10000");
}

}  // namespace best_of_test
