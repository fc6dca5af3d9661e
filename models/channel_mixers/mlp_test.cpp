#include <cmath>

#include "core/testing/catch.h"
#include "models/channel_mixer.h"
#include "models/testing/build.h"

using namespace subband;

namespace mlp_test {

double gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }

/// y = W x + b of one position, in scalar loops.
std::vector<double> linear(const at::Tensor& weight, const at::Tensor& bias, const std::vector<double>& x) {
  std::vector<double> y;
  for (int64_t o = 0; o < weight.size(0); ++o) {
    double sum = bias[o].item<double>();
    for (int64_t i = 0; i < weight.size(1); ++i)
      sum += weight[o][i].item<double>() * x[static_cast<size_t>(i)];
    y.push_back(sum);
  }
  return y;
}

}  // namespace mlp_test

TEST_CASE("the feed-forward net is linears with exact GELU between them, and none with one layer", "[mlp]") {
  for (const int64_t layers : {1, 2, 3}) {
    INFO(layers << " layers");
    const testing::Settings settings = {{"expansion", testing::integer(3)},
                                        {"layers", testing::integer(layers)}};
    const auto mlp = testing::Workshop().make<ChannelMixer>("mlp", settings, {.width = 5});
    testing::perturb(*mlp, 0.5);
    const at::NoGradGuard no_gradient;
    const auto values = mlp->named_parameters();
    const at::Tensor x = testing::random_double({1, 2, 5}), y = mlp->forward(x);
    for (int64_t t = 0; t < 2; ++t) {
      std::vector<double> hidden;
      for (int64_t c = 0; c < 5; ++c) hidden.push_back(x[0][t][c].item<double>());
      for (int64_t i = 0; i < std::max<int64_t>(2, layers); ++i) {
        if (i > 0 && layers > 1)
          for (double& h : hidden) h = mlp_test::gelu(h);
        const std::string name = "net." + std::to_string(layers > 1 ? 2 * i : i);
        hidden = mlp_test::linear(values[name + ".weight"], values[name + ".bias"], hidden);
      }
      for (int64_t c = 0; c < 5; ++c)
        CHECK(y[0][t][c].item<double>() == Approx(hidden[static_cast<size_t>(c)]).epsilon(1e-12));
    }
  }
}

TEST_CASE("an expansion below one is refused", "[mlp]") {
  CHECK_THROWS_WITH(testing::Workshop().make<ChannelMixer>("mlp", {{"expansion", testing::integer(0)}}, {}),
                    "part.expansion = 0: must be 1 to 1024");
}

TEST_CASE("the feed-forward net takes a hidden width, an activation, and no biases", "[mlp]") {
  const testing::Settings settings = {
      {"hidden", testing::integer(7)}, {"activation", config::Node("relu")}, {"bias", config::Node(false)}};
  const auto mlp = testing::Workshop().make<ChannelMixer>("mlp", settings, {.width = 5});
  testing::perturb(*mlp, 0.5);
  const at::NoGradGuard no_gradient;
  const auto values = mlp->named_parameters();
  REQUIRE(values.size() == 2);
  const at::Tensor x = testing::random_double({3, 5});
  at::Tensor y = at::zeros({3, 5}, at::kDouble);
  for (int64_t row = 0; row < 3; ++row) {
    for (int64_t f = 0; f < 7; ++f) {
      const double hidden = x[row].dot(values["net.0.weight"][f]).item<double>();
      if (hidden > 0) y[row] += hidden * values["net.2.weight"].select(1, f);
    }
  }
  CHECK(at::allclose(mlp->forward(x.unsqueeze(0))[0], y, 0, 1e-12));
}

TEST_CASE(
    "the last matrix of the feed-forward net starts at a fiftieth, or at one over the root of its width",
    "[mlp]") {
  for (const bool stabilised : {false, true}) {
    BlockContext context{.width = 16};
    context.stabilizers.feed_forward = stabilised;
    const auto values = testing::Workshop().make<ChannelMixer>("mlp", {}, context)->named_parameters();
    const double usual = 1 / std::sqrt(64.0), gain = stabilised ? 1 / std::sqrt(64.0) : 0.02;
    const double largest = values["net.2.weight"].abs().max().item<double>();
    CHECK(largest <= usual * gain * (1 + 1e-6));
    CHECK(largest > usual * gain * 0.99);
    CHECK(values["net.2.bias"].count_nonzero().item<int64_t>() == 0);
    CHECK(values["net.0.bias"].count_nonzero().item<int64_t>() == 64);
  }
}
