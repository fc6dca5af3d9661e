#include "core/testing/catch.h"
#include "models/testing/build.h"
#include "models/transform.h"

using namespace subband;

TEST_CASE("the fwht transform asks for the next power of two and undoes itself", "[fwht]") {
  const auto transform = testing::Workshop().make<Transform>("fwht", {}, {});
  for (const auto& [width, padded] : {std::pair{1, 1}, {2, 2}, {12, 16}, {16, 16}, {17, 32}})
    CHECK(transform->padded_width(width) == padded);
  const at::Tensor z = testing::random_double({3, 2, 5, 16});
  CHECK(transform->inverse(transform->forward(z)).allclose(z, 1e-12, 1e-12));
  CHECK(transform->forward(at::eye(16, at::kDouble)[3] * 4).abs().equal(at::ones({16}, at::kDouble)));
}
