#include "models/layers/short_convolution.h"

#include <torch/torch.h>

#include <cmath>

#include "core/testing/catch.h"
#include "models/testing/parts.h"

using namespace subband;

TEST_CASE("a short convolution is its definition, and decodes the same", "[short_convolution]") {
  for (const int64_t taps : {1, 4}) {
    Initializer first(plain_generator(1));
    ShortConvolution convolution(first, 3, taps, true);
    convolution.to(at::kDouble);
    const at::Tensor x = testing::random({2, 7, 3}, at::kDouble), y = convolution.forward(x);
    LayerState memory;
    for (int64_t t = 0; t < 7; ++t) {
      for (int64_t c = 0; c < 3; ++c) {
        double sum = convolution.bias[c].item<double>();
        for (int64_t i = 0; i < taps; ++i) {
          const int64_t at = t - taps + 1 + i;
          if (at >= 0) sum += convolution.weight[c][0][i].item<double>() * x[1][at][c].item<double>();
        }
        CHECK(y[1][t][c].item<double>() == Approx(sum / (1 + std::exp(-sum))).margin(1e-13));
      }
      CHECK(at::allclose(convolution.forward(x.narrow(1, t, 1), &memory), y.narrow(1, t, 1), 0, 1e-13));
      if (taps > 1) CHECK(memory.rows("inputs").bytes() == 2 * 8 * convolution.state_values(t + 1));
    }
  }
}
