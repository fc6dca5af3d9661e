#include "models/layers/positions/sinusoids.h"

#include <torch/torch.h>

#include <cmath>

#include "core/testing/catch.h"
#include "models/testing/parts.h"

using namespace subband;

TEST_CASE("sinusoidal positions are sines and cosines of falling rates, in both layouts", "[sinusoids]") {
  const at::Tensor positions = at::tensor({0.0, 1.0, 7.0, 300.0});
  const at::Tensor turns = sinusoids(positions, 6, "interleaved"), halves = sinusoids(positions, 6, "halves");
  for (int64_t p = 0; p < 4; ++p) {
    for (int64_t i = 0; i < 3; ++i) {
      const double angle = positions[p].item<double>() * std::pow(1e4, -2.0 * static_cast<double>(i) / 6);
      CHECK(turns[p][2 * i].item<double>() == Approx(std::sin(angle)).margin(2e-5));
      CHECK(turns[p][2 * i + 1].item<double>() == Approx(std::cos(angle)).margin(2e-5));
      CHECK(halves[p][i].item<double>() == turns[p][2 * i].item<double>());
      CHECK(halves[p][3 + i].item<double>() == turns[p][2 * i + 1].item<double>());
    }
  }
}

TEST_CASE("the product of two sinusoidal positions depends on their distance alone", "[sinusoids]") {
  const at::Tensor rows = sinusoids(at::arange(40, at::kFloat), 16, "halves").to(at::kDouble);
  const at::Tensor products = at::matmul(rows, rows.t());
  for (int64_t distance : {0, 1, 5}) {
    const at::Tensor diagonal = products.diagonal(distance);
    CHECK(at::allclose(diagonal, diagonal[0].expand_as(diagonal), 0, 1e-5));
  }
}

TEST_CASE("sinusoidal positions refuse an odd width and an unknown layout", "[sinusoids]") {
  CHECK_THROWS_WITH(sinusoids(at::zeros({2}), 7, "halves"), "sinusoids: width = 7: must be even");
  CHECK_THROWS_WITH(sinusoids(at::zeros({2}), 8, "half"),
                    "sinusoids: layout = half: must be halves or interleaved");
}
