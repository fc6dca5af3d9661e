#include "core/testing/catch.h"
#include "models/bypass.h"
#include "models/testing/build.h"

using namespace subband;

TEST_CASE("the running mean bypass follows its definition, padded channels left alone", "[running_mean]") {
  const BlockContext context{.width = 3, .padded_width = 4, .levels = 2};
  const auto bypass = testing::Workshop().make<Bypass>("running_mean", {}, context);
  testing::perturb(*bypass);
  const at::NoGradGuard no_gradient;
  const at::Tensor x = testing::random_double({2, 5, 3}), previous = testing::random_double({2, 5, 3}, 4);
  const at::Tensor z = testing::random_double({3, 2, 5, 4}, 5);
  const auto values = bypass->named_parameters();
  const at::Tensor m = bypass->summary(x), y = bypass->apply(z, m, previous), alone = bypass->apply(z, m, {});
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t t = 0; t < 5; ++t) {
      at::Tensor mean = at::zeros({3}, at::kDouble);
      for (int64_t i = 0; i <= t; ++i) mean += x[b][i] / static_cast<double>(t + 1);
      CHECK(m[b][t].allclose(mean, 1e-12, 1e-12));
      const at::Tensor context_of = mean + values["mix.weight"].mv(previous[b][t]);
      for (int64_t s = 0; s < 3; ++s) {
        const at::Tensor gains = values["gains"][s];
        CHECK(y[s][b][t].narrow(0, 0, 3).allclose(z[s][b][t].narrow(0, 0, 3) + gains * context_of, 1e-12,
                                                  1e-12));
        CHECK(
            alone[s][b][t].narrow(0, 0, 3).allclose(z[s][b][t].narrow(0, 0, 3) + gains * mean, 1e-12, 1e-12));
        CHECK(y[s][b][t][3].equal(z[s][b][t][3]));
      }
    }
}

TEST_CASE("the running mean adds nothing at first, and starts its cross-layer mix at one half",
          "[running_mean]") {
  const auto bypass =
      testing::Workshop().make<Bypass>("running_mean", {}, {.width = 4, .padded_width = 4, .levels = 1});
  const at::Tensor z = testing::random_double({2, 1, 3, 4}), x = testing::random_double({1, 3, 4}, 9);
  CHECK(bypass->apply(z, bypass->summary(x), x).equal(z));
  CHECK(bypass->named_parameters()["mix.weight"].equal(at::eye(4, at::kDouble) * 0.5));
  CHECK_FALSE(bypass->crosses_windows());
}

// A sum of ones stops at 2048 in half precision.
TEST_CASE("the running mean of half precision is summed up in single", "[running_mean]") {
  const auto bypass =
      testing::Workshop().make<Bypass>("running_mean", {}, {.width = 1, .padded_width = 1, .levels = 1});
  const at::Tensor ones = at::ones({1, 3000, 1}, at::kHalf);
  CHECK(bypass->summary(ones).equal(at::ones({1, 3000, 1})));
  SequenceState state;
  at::Tensor mean;
  for (; state.position() < 3000; state.advance(1)) mean = bypass->summary(ones.narrow(1, 0, 1), {.state = &state});
  CHECK(mean.equal(at::ones({1, 1, 1})));
  CHECK(bypass->flops(3000, false) == 6000);  // a sum and a division
}
