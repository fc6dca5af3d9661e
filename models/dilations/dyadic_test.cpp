#include "core/testing/catch.h"
#include "models/dilation.h"
#include "models/testing/build.h"

using namespace subband;

TEST_CASE("the dyadic dilation looks back 2^l positions, to zeros before the window", "[dyadic]") {
  const auto dilation = testing::Workshop().make<Dilation>("dyadic", {}, {.levels = 4});
  const at::Tensor c = testing::random_double({2, 7, 3});
  for (int64_t level = 0; level < 4; ++level) {
    const int64_t distance = int64_t{1} << level;
    CHECK(dilation->reach(level) == distance);
    const at::Tensor past = dilation->past(c, level);
    for (int64_t t = 0; t < 7; ++t)
      CHECK(
          past.select(1, t).equal(t < distance ? at::zeros({2, 3}, at::kDouble) : c.select(1, t - distance)));
  }
}
