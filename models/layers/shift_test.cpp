#include "models/layers/shift.h"

#include "core/testing/catch.h"
#include "models/testing/build.h"

using namespace subband;

TEST_CASE("a shift moves a sequence back by its distance, with zeros before the window", "[shift]") {
  const at::Tensor x = testing::random_double({2, 5, 3});
  for (const int64_t distance : {0, 1, 4, 5, 9}) {
    const at::Tensor y = shift(x, distance);
    for (int64_t t = 0; t < 5; ++t)
      CHECK(y.select(1, t).equal(t >= distance ? x.select(1, t - distance) : at::zeros({2, 3}, at::kDouble)));
  }
}
