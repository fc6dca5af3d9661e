#include "models/layers/attention/random_features.h"

#include <torch/torch.h>

#include <cmath>

#include "core/testing/catch.h"
#include "models/testing/parts.h"

using namespace subband;

namespace random_features_test {

static at::Tensor rows(const RandomRows& wanted, uint64_t seed = 5) {
  at::Generator generator = plain_generator(seed);
  return random_rows(wanted, [&](at::IntArrayRef shape) { return at::randn(shape, generator, at::kFloat); })
      .to(at::kDouble);
}

// |x| = 0.3 sqrt(K) or so, where the law can be measured.
static at::Tensor small(const char* name) { return 0.3 * testing::random({16}, at::kDouble, name); }

TEST_CASE("rows are orthogonal in blocks, with norms of Gaussian rows or one norm", "[random_features]") {
  const at::Tensor W = rows({.count = 40, .width = 16});
  const at::Tensor directions = W / W.norm(2, -1, true);
  for (const auto& block : directions.split(16)) {
    CHECK(at::allclose(at::matmul(block, block.t()), at::eye(block.size(0), at::kDouble), 0, 1e-5));
  }
  const at::Tensor squares = rows({.count = 8000, .width = 16}).square().sum(-1);
  CHECK(squares.mean().item<double>() == Approx(16).epsilon(0.03));
  CHECK(squares.var().item<double>() == Approx(2 * 16).epsilon(0.1));
  const at::Tensor constant = rows({.count = 40, .width = 16, .constant_norm = true});
  CHECK(at::allclose(constant.norm(2, -1), at::full({40}, 4.0, at::kDouble), 0, 1e-5));
}

TEST_CASE("a single orthogonal row is distributed like a Gaussian one, in every place of its block",
          "[random_features]") {
  for (const int64_t width : {1, 3}) {
    const at::Tensor W = rows({.count = 30000, .width = width});
    for (int64_t place = 0; place < width; ++place) {
      const at::Tensor row = W.view({-1, width, width}).select(1, place);
      CAPTURE(width, place);
      CHECK(row.mean(0).abs().max().item<double>() < 0.05);
      CHECK(at::allclose(row.square().mean(0), at::ones({width}, at::kDouble), 0.05));
    }
  }
}

TEST_CASE("products of features are unbiased, and their error follows the law of the variance",
          "[random_features]") {
  const at::Tensor x = small("x"), y = small("y");
  const double exact = std::exp(x.dot(y).item<double>()), norm = (x + y).square().sum().item<double>();
  REQUIRE(norm < 4);
  const int64_t M = 16, repeats = 25000;
  const at::Tensor W = rows({.count = M * repeats, .width = 16, .orthogonal = false});
  const at::Tensor products = (log_features(x, W) + log_features(y, W)).exp().view({repeats, M}).mean(1);
  const double law = std::exp(norm) * exact * exact * (1 - std::exp(-norm)) / static_cast<double>(M);
  CHECK((products - exact).square().mean().item<double>() == Approx(law).epsilon(0.1));
  CHECK(products.mean().item<double>() ==
        Approx(exact).margin(4 * std::sqrt(law / static_cast<double>(repeats))));
  const at::Tensor U = rows({.count = M * repeats, .width = 16});
  const at::Tensor orthogonal = (log_features(x, U) + log_features(y, U)).exp().view({repeats, M}).mean(1);
  CHECK((orthogonal - exact).square().mean().item<double>() < law);
}

}  // namespace random_features_test
