#include "core/testing/catch.h"
#include "models/testing/build.h"
#include "models/transform.h"

using namespace subband;

TEST_CASE("the identity transform changes nothing and pads nothing", "[identity]") {
  const auto transform = testing::Workshop().make<Transform>("identity", {}, {});
  const at::Tensor z = testing::random_double({3, 12});
  CHECK(transform->padded_width(12) == 12);
  CHECK(transform->forward(z).equal(z));
  CHECK(transform->inverse(z).equal(z));
}
