#include <cmath>

#include "core/testing/catch.h"
#include "models/testing/build.h"
#include "models/transform.h"

using namespace subband;

TEST_CASE("the butterfly rotates pairs as defined, keeps lengths and turns back", "[butterfly]") {
  const auto transform = testing::Workshop().make<Transform>("butterfly", {}, {.padded_width = 8});
  testing::perturb(*transform, 1);
  const at::NoGradGuard no_gradient;
  const at::Tensor angles = transform->parameters()[0];
  REQUIRE(angles.sizes() == at::IntArrayRef({3, 4}));
  const at::Tensor z = testing::random_double({2, 3, 8}), y = transform->forward(z);
  at::Tensor expected = z.clone();
  for (int64_t layer = 0; layer < 3; ++layer) {
    const int64_t half = int64_t{1} << layer;
    int64_t pair = 0;
    for (int64_t i = 0; i < 8; ++i) {
      if (i / half % 2 == 1) continue;
      const double angle = angles[layer][pair++].item<double>();
      const at::Tensor a = expected.select(2, i).clone(), b = expected.select(2, i + half).clone();
      expected.select(2, i).copy_(a * std::cos(angle) - b * std::sin(angle));
      expected.select(2, i + half).copy_(a * std::sin(angle) + b * std::cos(angle));
    }
  }
  CHECK(y.allclose(expected, 1e-12, 1e-12));
  CHECK(y.norm(2, 2).allclose(z.norm(2, 2), 1e-12, 1e-12));
  CHECK(transform->inverse(y).allclose(z, 1e-12, 1e-12));
  CHECK(transform->flops(5) == 5 * 12 * 6);  // 12 rotations of 4 products and 2 sums
}

TEST_CASE("the butterfly starts by mixing all channels evenly, or none", "[butterfly]") {
  const testing::Workshop workshop;
  const auto even = workshop.make<Transform>("butterfly", {}, {.padded_width = 16});
  const at::Tensor unit = at::eye(16, at::kDouble);
  CHECK(even->forward(unit).abs().allclose(at::full({16, 16}, 0.25, at::kDouble), 1e-6, 1e-6));
  const auto none =
      workshop.make<Transform>("butterfly", {{"init", config::Node("identity")}}, {.padded_width = 16});
  CHECK(none->forward(unit).equal(unit));
  CHECK(even->padded_width(12) == 16);
  CHECK_THROWS_WITH(workshop.make<Transform>("butterfly", {{"init", config::Node("dct")}}, {}),
                    "part.init = dct: unknown choice; known: hadamard, identity");
}
