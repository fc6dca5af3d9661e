#include <torch/torch.h>

#include "core/testing/catch.h"
#include "models/channel_mixer.h"
#include "models/testing/parts.h"

using namespace subband;
using config::Node;

TEST_CASE("SwiGLU is the gated definition, and its hidden width is rounded up", "[swiglu]") {
  Initializer first(plain_generator(1));
  const auto net = testing::make_part<ChannelMixer>("swiglu", {.width = 10, .initializer = &first},
                                                    {{"multiple", Node(int64_t{4})}});
  net->to(at::kDouble);
  const auto weights = net->named_parameters();
  REQUIRE(weights["gate.weight"].sizes() == at::IntArrayRef({28, 10}));  // 8/3 of 10 is 26.7
  const at::Tensor x = testing::random({3, 10}, at::kDouble);
  at::Tensor y = at::zeros({3, 10}, at::kDouble);
  for (int64_t f = 0; f < 28; ++f) {
    for (int64_t row = 0; row < 3; ++row) {
      const double gate = x[row].dot(weights["gate.weight"][f]).item<double>();
      const double up = x[row].dot(weights["up.weight"][f]).item<double>();
      y[row] += gate / (1 + std::exp(-gate)) * up * weights["down.weight"].select(1, f).detach();
    }
  }
  CHECK(at::allclose(net->forward(x.unsqueeze(0))[0], y, 0, 1e-13));
}

TEST_CASE("the published width rule rounds eight thirds up to a multiple of 256", "[swiglu]") {
  for (const auto& [width, hidden] :
       {std::pair<int64_t, int64_t>{96, 256}, {768, 2048}, {1024, 2816}, {2048, 5632}}) {
    Initializer meta = Initializer::meta();
    const auto net = testing::make_part<ChannelMixer>("swiglu", {.width = width, .initializer = &meta},
                                                      {{"multiple", Node(int64_t{256})}});
    CHECK(net->named_parameters()["up.weight"].size(0) == hidden);
  }
  Initializer meta = Initializer::meta();  // 2.3 times 50 is 114.99999999999999 in floating point
  const auto net =
      testing::make_part<ChannelMixer>("swiglu", {.width = 50, .initializer = &meta},
                                       {{"expansion", Node(2.3)}, {"multiple", Node(int64_t{1})}});
  CHECK(net->named_parameters()["up.weight"].size(0) == 115);
}

TEST_CASE("SwiGLU takes a hidden width, another activation and biases", "[swiglu]") {
  Initializer first(plain_generator(1));
  const auto net = testing::make_part<ChannelMixer>(
      "swiglu", {.width = 4, .initializer = &first},
      {{"hidden", Node(int64_t{5})}, {"activation", Node("relu")}, {"bias", Node(true)}});
  net->to(at::kDouble);
  const auto w = net->named_parameters();
  const at::Tensor x = testing::random({1, 3, 4}, at::kDouble);
  const at::Tensor gate = at::matmul(x, w["gate.weight"].t()) + w["gate.bias"];
  const at::Tensor up = at::matmul(x, w["up.weight"].t()) + w["up.bias"];
  const at::Tensor y = at::matmul(gate.clamp_min(0) * up, w["down.weight"].t()) + w["down.bias"];
  CHECK(at::allclose(net->forward(x), y, 0, 1e-13));
}
