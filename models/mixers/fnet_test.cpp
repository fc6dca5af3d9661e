#include <torch/torch.h>

#include <cmath>
#include <numbers>

#include "core/testing/catch.h"
#include "models/testing/recorded_mixer.h"

using namespace subband;
using config::Node;

namespace fnet_test {

static std::shared_ptr<Mixer> made(int64_t width, const char* padding = "apart", bool causal = false) {
  Initializer first(plain_generator(3));
  return testing::make_part<Mixer>("fnet", {.width = width, .causal = causal, .initializer = &first},
                                   {{"padding", Node(padding)}});
}

// y = cos_L x cos_D - sin_L x sin_D, summed in scalar loops.
static at::Tensor by_definition(const at::Tensor& x_LD) {
  const int64_t L = x_LD.size(0), D = x_LD.size(1);
  const auto x = x_LD.accessor<double, 2>();
  at::Tensor y_LD = at::zeros({L, D}, at::kDouble);
  auto y = y_LD.accessor<double, 2>();
  for (int64_t l = 0; l < L; ++l) {
    for (int64_t d = 0; d < D; ++d) {
      for (int64_t j = 0; j < L; ++j) {
        for (int64_t c = 0; c < D; ++c) {
          const double turns = static_cast<double>(l * j) / static_cast<double>(L) +
                               static_cast<double>(d * c) / static_cast<double>(D);
          y[l][d] += x[j][c] * std::cos(2 * std::numbers::pi * turns);
        }
      }
    }
  }
  return y_LD;
}

TEST_CASE("fnet is the cosine of the summed turns, at odd and prime sizes", "[fnet]") {
  for (const int64_t L : {1, 2, 7, 12}) {
    const at::Tensor x = testing::random({2, L, 6}, at::kDouble), y = made(6)->forward(x, {});
    CAPTURE(L);
    for (int64_t b = 0; b < 2; ++b) CHECK(at::allclose(y[b], by_definition(x[b]), 0, 1e-12));
  }
}

TEST_CASE("an impulse at the first token and channel comes out everywhere, and the mixer is linear",
          "[fnet]") {
  at::Tensor impulse = at::zeros({1, 5, 6}, at::kDouble);
  impulse[0][0][0] = 1;
  CHECK(at::allclose(made(6)->forward(impulse, {}), at::ones({1, 5, 6}, at::kDouble), 0, 1e-14));
  const at::Tensor x = testing::random({1, 5, 6}, at::kDouble),
                   z = testing::random({1, 5, 6}, at::kDouble, "z");
  CHECK(at::allclose(made(6)->forward(x + 3 * z, {}), made(6)->forward(x, {}) + 3 * made(6)->forward(z, {}),
                     0, 1e-12));
}

TEST_CASE("padding is left out, zeroed or mixed in, as told", "[fnet]") {
  const at::Tensor x = testing::random({2, 9, 6}, at::kDouble), keep = at::ones({2, 9}, at::kBool);
  keep[1].narrow(0, 4, 5).fill_(false);
  const at::Tensor apart = made(6)->forward(x, {.keep_BL = keep});
  CHECK(at::allclose(apart[0], by_definition(x[0]), 0, 1e-12));
  CHECK(at::allclose(apart[1].narrow(0, 0, 4), by_definition(x[1].narrow(0, 0, 4)), 0, 1e-12));
  CHECK(at::equal(apart[1].narrow(0, 4, 5), at::zeros({5, 6}, at::kDouble)));
  const at::Tensor zeroed = x[1].clone();
  zeroed.narrow(0, 4, 5).zero_();
  CHECK(at::allclose(made(6, "zeroed")->forward(x, {.keep_BL = keep})[1], by_definition(zeroed), 0, 1e-12));
  CHECK(at::allclose(made(6, "ignored")->forward(x, {.keep_BL = keep})[1], by_definition(x[1]), 0, 1e-12));
}

TEST_CASE("fnet gives the answers of transformers", "[fnet][recorded]") {
  if (const auto recorded = testing::recorded_mixer("fnet_L13_D32"))
    testing::match_recorded(*made(32), *recorded, {});
}

TEST_CASE("fnet refuses to be causal", "[fnet]") {
  CHECK_THROWS_WITH(
      made(6, "apart", true),
      "part.type = fnet: has no causal form: every output sees every input; needs a net that is not causal");
}

}  // namespace fnet_test
