#include <cmath>

#include "core/testing/catch.h"
#include "models/testing/build.h"
#include "models/transform.h"

using namespace subband;

TEST_CASE("the cosine transform follows its definition at any width, and its inverse undoes it", "[dct]") {
  const auto transform = testing::Workshop().make<Transform>("dct", {}, {});
  for (const int64_t width : {1, 2, 5, 12}) {
    CHECK(transform->padded_width(width) == width);
    const at::Tensor z = testing::random_double({2, 3, width}), y = transform->forward(z);
    const double count = static_cast<double>(width);
    for (int64_t k = 0; k < width; ++k) {
      at::Tensor sum = at::zeros({2, 3}, at::kDouble);
      for (int64_t n = 0; n < width; ++n)
        sum += z.select(2, n) * std::cos(M_PI * static_cast<double>((2 * n + 1) * k) / (2 * count));
      CHECK(y.select(2, k).allclose(sum * std::sqrt((k == 0 ? 1 : 2) / count), 1e-12, 1e-12));
    }
    CHECK(transform->inverse(y).allclose(z, 1e-12, 1e-12));
    CHECK(transform->forward(transform->inverse(z)).allclose(z, 1e-12, 1e-12));
  }
}

TEST_CASE("the cosine transform of half precision is computed in single", "[dct]") {
  const auto transform = testing::Workshop().make<Transform>("dct", {}, {});
  const at::Tensor z = testing::random_double({3, 12}).to(at::kHalf), y = transform->forward(z);
  REQUIRE(y.scalar_type() == at::kHalf);
  CHECK(y.equal(transform->forward(z.to(at::kFloat)).to(at::kHalf)));
  CHECK(transform->inverse(y).equal(transform->inverse(y.to(at::kFloat)).to(at::kHalf)));
}
