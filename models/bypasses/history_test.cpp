#include "models/bypasses/history.h"

#include "core/testing/catch.h"
#include "models/testing/build.h"

using namespace subband;

TEST_CASE("a summary becomes a bias of every scale through gains and, with a block before, its mixture",
          "[history]") {
  Module owner;
  Initializer initializer(plain_generator(1));
  const bypasses::History history(owner,
                                  {.width = 2, .padded_width = 3, .levels = 1, .initializer = &initializer});
  owner.to(at::kDouble);
  testing::perturb(owner, 0.5);
  const at::NoGradGuard no_gradient;
  const at::Tensor gains = owner.named_parameters()["gains"], mix = owner.named_parameters()["mix.weight"];
  const at::Tensor z = testing::random_double({2, 2, 4, 3}), summary = testing::random_double({2, 4, 2}, 4);
  for (const int64_t length : {4, 1}) {  // a window's own, or one carried state for all positions
    const at::Tensor previous = testing::random_double({2, length, 2}, 5);
    const ScaleBias bias = history.bias(summary, previous);
    const at::Tensor y = biased(z, bias.context_BLC, bias.gains_SC);
    for (int64_t s = 0; s < 2; ++s)
      for (int64_t b = 0; b < 2; ++b)
        for (int64_t t = 0; t < 4; ++t) {
          CHECK(y[s][b][t][2].equal(z[s][b][t][2]));
          for (int64_t c = 0; c < 2; ++c) {
            double context = summary[b][t][c].item<double>();
            for (int64_t i = 0; i < 2; ++i)
              context += mix[c][i].item<double>() * previous[b][length == 1 ? 0 : t][i].item<double>();
            CHECK(y[s][b][t][c].item<double>() ==
                  Approx(z[s][b][t][c].item<double>() + gains[s][c].item<double>() * context).epsilon(1e-12));
          }
        }
  }
}
