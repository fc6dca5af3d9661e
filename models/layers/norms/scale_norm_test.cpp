#include "models/layers/norms/scale_norm.h"

#include <cmath>

#include "core/testing/catch.h"
#include "models/testing/build.h"

using namespace subband;

TEST_CASE("scale norms are one layer norm per scale, named by its number", "[scale_norm]") {
  ScaleNorms norms(Initializer(plain_generator(1)), 3, 4);
  norms.to(at::kDouble);
  const at::Tensor z = testing::random_double({3, 2, 5, 4});
  testing::perturb(norms, 0.5);
  const at::NoGradGuard no_gradient;
  const auto values = norms.named_parameters();
  const at::Tensor y = norms.forward(z);
  for (int64_t s = 0; s < 3; ++s)
    for (int64_t t = 0; t < 5; ++t) {
      const at::Tensor x = z[s][1][t];
      double mean = 0, square = 0;
      for (int64_t c = 0; c < 4; ++c) mean += x[c].item<double>() / 4;
      for (int64_t c = 0; c < 4; ++c) square += std::pow(x[c].item<double>() - mean, 2) / 4;
      const std::string name = std::to_string(s);
      for (int64_t c = 0; c < 4; ++c)
        CHECK(y[s][1][t][c].item<double>() == Approx((x[c].item<double>() - mean) / std::sqrt(square + 1e-5) *
                                                         values[name + ".weight"][c].item<double>() +
                                                     values[name + ".bias"][c].item<double>())
                                                  .epsilon(1e-10));
    }
}
