#include <cmath>

#include "core/testing/catch.h"
#include "models/testing/build.h"
#include "models/transform.h"

using namespace subband;

TEST_CASE("the Hartley transform follows its definition at any width and undoes itself", "[dht]") {
  const auto transform = testing::Workshop().make<Transform>("dht", {}, {});
  for (const int64_t width : {1, 2, 5, 12}) {
    CHECK(transform->padded_width(width) == width);
    const at::Tensor z = testing::random_double({2, 3, width}), y = transform->forward(z);
    for (int64_t k = 0; k < width; ++k) {
      at::Tensor sum = at::zeros({2, 3}, at::kDouble);
      for (int64_t n = 0; n < width; ++n) {
        const double angle = 2 * M_PI * static_cast<double>(k * n) / static_cast<double>(width);
        sum += z.select(2, n) * (std::cos(angle) + std::sin(angle)) / std::sqrt(static_cast<double>(width));
      }
      CHECK(y.select(2, k).allclose(sum, 1e-12, 1e-12));
    }
    CHECK(transform->inverse(y).allclose(z, 1e-12, 1e-12));
  }
}

TEST_CASE("the Hartley transform of half precision is computed in single", "[dht]") {
  const auto transform = testing::Workshop().make<Transform>("dht", {}, {});
  const at::Tensor z = testing::random_double({3, 12}).to(at::kHalf), y = transform->forward(z);
  REQUIRE(y.scalar_type() == at::kHalf);
  CHECK(y.equal(transform->forward(z.to(at::kFloat)).to(at::kHalf)));
  CHECK(transform->inverse(y).equal(transform->inverse(y.to(at::kFloat)).to(at::kHalf)));
}
