#include "models/layers/projection.h"

#include <cmath>

#include "core/testing/catch.h"
#include "models/testing/build.h"

using namespace subband;

TEST_CASE("a projection follows its definition and starts uniform within one over the root of its inputs",
          "[projection]") {
  Initializer first(plain_generator(1));
  Projection map(first, {.in = 16, .out = 3});
  const at::Tensor weight = map.first_weight(), bias = map.first_bias();
  const double bound = 1 / std::sqrt(16.0);
  CHECK(weight.abs().max().item<double>() <= bound);
  CHECK(weight.abs().max().item<double>() > 0.8 * bound);
  // The default layer of PyTorch draws weight and then bias from the same generator.
  at::Generator again = plain_generator(1);
  CHECK(weight.equal(at::empty({3, 16}).uniform_(-bound, bound, again)));
  CHECK(bias.equal(at::empty({3}).uniform_(-bound, bound, again)));
  map.to(at::kDouble);
  const at::Tensor w = map.dense(), b = map.first_bias();
  const at::Tensor x = testing::random_double({2, 16}), y = map.forward(x);
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t o = 0; o < 3; ++o) {
      double sum = b[o].item<double>();
      for (int64_t i = 0; i < 16; ++i) sum += w[o][i].item<double>() * x[n][i].item<double>();
      CHECK(y[n][o].item<double>() == Approx(sum).epsilon(1e-12));
    }
  CHECK_FALSE(Projection(first, {.in = 2, .out = 2, .bias = false}).first_bias().defined());
}

TEST_CASE("several projections apply themselves as one product to rows of their own", "[projection]") {
  Initializer first(plain_generator(2));
  std::vector<std::shared_ptr<Projection>> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(std::make_shared<Projection>(first, ProjectionPlan{.in = 5, .out = 4, .bias = false}));
    all.back()->to(at::kDouble);
  }
  const at::Tensor x = testing::random_double({3, 7, 5}), y = apply_each(all, x);
  REQUIRE(y.sizes() == at::IntArrayRef({3, 7, 4}));
  for (int64_t i = 0; i < 3; ++i)
    CHECK(y[i].allclose(all[static_cast<size_t>(i)]->forward(x[i]), 1e-12, 1e-12));
  y.sum().backward();
  for (const auto& each : all) CHECK(each->dense().grad().defined());
}
