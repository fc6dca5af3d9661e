#include "models/layers/linear.h"

#include <cmath>

#include "core/testing/catch.h"
#include "models/testing/build.h"

using namespace subband;

TEST_CASE("a linear map follows its definition and starts uniform within one over the root of its inputs",
          "[linear_layer]") {
  Initializer initializer(plain_generator(1));
  Linear map(initializer, 16, 3);
  const double bound = 1 / std::sqrt(16.0);
  CHECK(map.weight.abs().max().item<double>() <= bound);
  CHECK(map.weight.abs().max().item<double>() > 0.8 * bound);
  // The default layer of PyTorch draws weight and then bias from the same generator.
  at::Generator again = plain_generator(1);
  CHECK(map.weight.equal(at::empty({3, 16}).uniform_(-bound, bound, again)));
  CHECK(map.bias.equal(at::empty({3}).uniform_(-bound, bound, again)));
  map.to(at::kDouble);
  const at::Tensor x = testing::random_double({2, 16}), y = map.forward(x);
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t o = 0; o < 3; ++o) {
      double sum = map.bias[o].item<double>();
      for (int64_t i = 0; i < 16; ++i) sum += map.weight[o][i].item<double>() * x[n][i].item<double>();
      CHECK(y[n][o].item<double>() == Approx(sum).epsilon(1e-12));
    }
  CHECK_FALSE(Linear(initializer, 2, 2, false).bias.defined());
}
