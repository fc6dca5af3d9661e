#include "core/testing/catch.h"
#include "models/bypass.h"
#include "models/testing/build.h"

using namespace subband;

TEST_CASE("without a bypass there is no summary and the coefficients stay as they are", "[none]") {
  const auto bypass = testing::Workshop().make<Bypass>("none", {}, {});
  const at::Tensor z = testing::random_double({2, 1, 3, 4});
  CHECK_FALSE(bypass->summary(z[0]).defined());
  CHECK(bypass->apply(z, {}, z[0]).equal(z));
  CHECK(bypass->parameters().empty());
}
