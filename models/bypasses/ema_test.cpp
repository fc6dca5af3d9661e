#include "core/testing/catch.h"
#include "models/bypass.h"
#include "models/testing/build.h"

using namespace subband;

TEST_CASE("the ema bypass follows its recursion at lengths that are no power of two", "[ema]") {
  const auto bypass =
      testing::Workshop().make<Bypass>("ema", {}, {.width = 3, .padded_width = 3, .levels = 1});
  testing::perturb(*bypass, 0.7);
  const at::NoGradGuard no_gradient;
  const auto values = bypass->named_parameters();
  for (const int64_t length : {1, 2, 7, 8}) {
    const at::Tensor x = testing::random_double({2, length, 3}), m = bypass->summary(x);
    for (int64_t b = 0; b < 2; ++b) {
      at::Tensor mean = at::zeros({3}, at::kDouble);
      for (int64_t t = 0; t < length; ++t) {
        const at::Tensor a = at::sigmoid(values["gate.weight"].mv(x[b][t]) + values["gate.bias"]);
        mean = a * mean + (1 - a) * x[b][t];
        CHECK(m[b][t].allclose(mean, 1e-12, 1e-12));
      }
    }
  }
}

TEST_CASE("the ema starts by halving what it holds", "[ema]") {
  const auto bypass =
      testing::Workshop().make<Bypass>("ema", {}, {.width = 2, .padded_width = 2, .levels = 1});
  const at::Tensor m = bypass->summary(at::ones({1, 3, 2}, at::kDouble));
  CHECK(m.select(2, 0).flatten().allclose(at::tensor({0.5, 0.75, 0.875}, at::kDouble)));
}

TEST_CASE("the ema of half precision is summed up in single, and crosses windows where it is told to",
          "[ema]") {
  const at::NoGradGuard no_gradient;
  const BlockContext context{.width = 2, .padded_width = 2, .levels = 1};
  const auto bypass =
      testing::Workshop().make<Bypass>("ema", {{"cross_window", config::Node(true)}}, context);
  CHECK(bypass->crosses_windows());
  CHECK_FALSE(testing::Workshop().make<Bypass>("ema", {}, context)->crosses_windows());
  CHECK(bypass->flops(5, false) == 2 * 2 * 2 * 5 + 3 * (4 + 3 + 1) * 2);  // the gate; a scan of three passes
  bypass->to(at::kHalf);
  const at::Tensor x = testing::random_double({1, 9, 2}).to(at::kHalf), m = bypass->summary(x);
  REQUIRE(m.scalar_type() == at::kFloat);
  SequenceState state;
  at::Tensor stepped;
  for (int64_t t = 0; t < 9; ++t, state.advance(1)) stepped = bypass->summary(x.narrow(1, t, 1), {.state = &state});
  REQUIRE(stepped.scalar_type() == at::kFloat);
  CHECK(stepped.allclose(m.narrow(1, 8, 1), 1e-6, 1e-6));
}
