#include <torch/torch.h>

#include <cmath>
#include <vector>

#include "core/files.h"
#include "core/tensors/safetensors.h"
#include "core/testing/catch.h"
#include "models/mixer.h"
#include "models/testing/going_on.h"
#include "models/testing/parts.h"

using namespace subband;
using config::Node;

namespace retnet_test {

using Fields = std::initializer_list<std::pair<const char*, Node>>;

static std::shared_ptr<Mixer> retnet(MixerContext context, Fields fields, at::ScalarType type = at::kDouble) {
  Initializer first(plain_generator(3));
  context.initializer = &first;
  const auto mixer = testing::make_part<Mixer>("retnet", context, fields);
  mixer->to(type);
  mixer->eval();
  return mixer;
}

static Node whole(int64_t value) { return Node(value); }

static double silu(double x) { return x / (1 + std::exp(-x)); }

static at::Tensor weight(const torch::nn::Module& mixer, const char* name) {
  return mixer.named_parameters()[std::string(name) + ".weight"].detach();
}

// One sequence in scalar loops: K x V numbers per head, one token after the other; rotary pairs i and i + K/2.
static at::Tensor by_definition(const torch::nn::Module& mixer, const at::Tensor& x_LD, int64_t H,
                                bool turns) {
  const at::Tensor q_all = x_LD.mm(weight(mixer, "q").t()), k_all = x_LD.mm(weight(mixer, "k").t()),
                   v_all = x_LD.mm(weight(mixer, "v").t()), gates = x_LD.mm(weight(mixer, "gate").t());
  const int64_t L = x_LD.size(0), K = q_all.size(1) / H, V = v_all.size(1) / H;
  const auto q = q_all.accessor<double, 2>(), k = k_all.accessor<double, 2>(),
             v = v_all.accessor<double, 2>();
  const auto turned = [&](const at::TensorAccessor<double, 2>& x, int64_t t, int64_t h, int64_t c) {
    const int64_t pair = c % (K / 2);
    const double angle = (turns ? 1.0 : 0.0) * static_cast<double>(t) *
                         std::pow(10000.0, -2.0 * static_cast<double>(pair) / static_cast<double>(K));
    const double a = x[t][h * K + pair], b = x[t][h * K + pair + K / 2];
    return c < K / 2 ? a * std::cos(angle) - b * std::sin(angle) : b * std::cos(angle) + a * std::sin(angle);
  };
  at::Tensor mixed = at::zeros_like(v_all);
  for (int64_t h = 0; h < H; ++h) {
    const double decay = 1 - std::pow(2.0, -5.0 - static_cast<double>(h));
    std::vector<std::vector<double>> state(static_cast<size_t>(K),
                                           std::vector<double>(static_cast<size_t>(V), 0.0));
    for (int64_t t = 0; t < L; ++t) {
      std::vector<double> o(static_cast<size_t>(V), 0.0);
      double square = 0;
      for (int64_t j = 0; j < V; ++j) {
        for (int64_t i = 0; i < K; ++i) {
          double& cell = state[static_cast<size_t>(i)][static_cast<size_t>(j)];
          cell = decay * cell + turned(k, t, h, i) * v[t][h * V + j];
          o[static_cast<size_t>(j)] += cell * turned(q, t, h, i) / std::sqrt(static_cast<double>(K));
        }
        square += o[static_cast<size_t>(j)] * o[static_cast<size_t>(j)] / static_cast<double>(V);
      }
      for (int64_t j = 0; j < V; ++j) {
        mixed[t][h * V + j] = o[static_cast<size_t>(j)] / std::sqrt(square + 1e-5) *
                              weight(mixer, "norm")[j].item<double>() *
                              silu(gates[t][h * V + j].item<double>());
      }
    }
  }
  return mixed.mm(weight(mixer, "out").t());
}

static Tensors fixture(const char* name) {
  return read_safetensors(program_root() / "models/mixers/testdata" / (std::string(name) + ".safetensors"))
      .tensors;
}

// Name here -> name in the file.
static const std::vector<std::pair<const char*, const char*>> kNames = {
    {"q.weight", "q_proj.weight"},   {"k.weight", "k_proj.weight"},
    {"v.weight", "v_proj.weight"},   {"gate.weight", "g_proj.weight"},
    {"out.weight", "o_proj.weight"}, {"norm.weight", "g_norm_swish_gate.weight"}};

TEST_CASE("RetNet is its definition", "[retnet]") {
  for (const char* rope : {"none", "half"}) {
    const auto mixer = retnet({.width = 12}, {{"heads", whole(3)}, {"rope", Node(rope)}});
    testing::set_parameter(*mixer, "norm.weight", testing::random({8}, at::kDouble, "gain"));
    const at::Tensor x = testing::random({2, 9, 12}, at::kDouble), y = mixer->forward(x, {});
    // Angles are fp32 whatever the dtype.
    const bool turns = rope[0] == 'h';
    for (const int64_t b : {0, 1})
      CHECK(at::allclose(y[b], by_definition(*mixer, x[b], 3, turns), 0, turns ? 1e-5 : 1e-12));
  }
}

TEST_CASE("RetNet computes the same by chunks of any size, all pairs at once and token by token",
          "[retnet]") {
  const at::Tensor x = testing::random({2, 50, 16});
  const at::Tensor wanted = retnet({.width = 16}, {{"form", Node("parallel")}}, at::kFloat)->forward(x, {});
  const auto check = [&](const char* form, int64_t chunk) {
    const auto mixer = retnet({.width = 16}, {{"form", Node(form)}, {"chunk", whole(chunk)}}, at::kFloat);
    CHECK(testing::relative_rms(mixer->forward(x, {}), wanted) < 1e-5);
    CHECK(testing::relative_rms(testing::by_token(*mixer, x), wanted) < 1e-5);
  };
  for (const int64_t chunk : {1, 2, 7, 16, 50, 64}) check("chunked", chunk);
  check("recurrent", 64);
}

TEST_CASE("RetNet decodes with shared keys, short convolutions and feature maps", "[retnet]") {
  const auto mixer = retnet({.width = 16}, {{"kv_heads", whole(2)},
                                            {"convolution", whole(4)},
                                            {"convolution_bias", Node(true)},
                                            {"feature_map", Node("gelu")},
                                            {"decay", Node("linspace")},
                                            {"gate", Node("gelu")}});
  const at::Tensor x = testing::random({2, 12, 16}, at::kDouble);
  CHECK(testing::relative_rms(testing::by_token(*mixer, x), mixer->forward(x, {})) < 1e-13);
}

TEST_CASE("RetNet without decay, positions, norm and gate is linear attention without a normaliser",
          "[retnet]") {
  const auto mixer = retnet({.width = 8}, {{"heads", whole(1)},
                                           {"expand_value", Node(1.0)},
                                           {"decay", Node("none")},
                                           {"rope", Node("none")},
                                           {"norm", Node("none")},
                                           {"gate", Node("none")}});
  const at::Tensor x = testing::random({1, 6, 8}, at::kDouble)[0];
  const at::Tensor q = x.mm(weight(*mixer, "q").t()), k = x.mm(weight(*mixer, "k").t()),
                   v = x.mm(weight(*mixer, "v").t());
  const at::Tensor wanted = (q.mm(k.t()) / std::sqrt(8.0)).tril().mm(v).mm(weight(*mixer, "out").t());
  CHECK(at::allclose(mixer->forward(x.unsqueeze(0), {})[0], wanted, 0, 1e-13));
}

TEST_CASE("the norm of RetNet makes its heads blind to the scale of values", "[retnet]") {
  const auto mixer = retnet({.width = 8}, {{"norm_epsilon", Node(1e-12)}});
  const at::Tensor x = testing::random({1, 6, 8}, at::kDouble), before = mixer->forward(x, {});
  testing::set_parameter(*mixer, "v.weight", 30 * weight(*mixer, "v"));
  CHECK(testing::relative_rms(mixer->forward(x, {}), before) < 1e-5);
}

TEST_CASE("RetNet's layer answers as flash-linear-attention's", "[retnet]") {
  const Tensors recorded = fixture("fla_retnet_layer_L27");
  const auto mixer = retnet({.width = 32}, {{"heads", whole(2)}}, at::kFloat);
  for (const auto& [ours, theirs] : kNames)
    testing::set_parameter(*mixer, ours, recorded.at(std::string("w/") + theirs));
  const at::Tensor x = recorded.at("x").clone().requires_grad_(), y = mixer->forward(x, {});
  CHECK(testing::relative_rms(y, recorded.at("y")) < 1e-5);
  (y * recorded.at("c")).sum().backward();
  CHECK(testing::relative_rms(x.grad(), recorded.at("gx")) < 1e-4);
  for (const auto& [ours, theirs] : kNames) {
    const auto gradient = recorded.find(std::string("g/") + theirs);
    if (gradient == recorded.end()) continue;
    CHECK(testing::relative_rms(mixer->named_parameters()[ours].grad(), gradient->second) < 1e-4);
  }
  mixer->to(at::kDouble);
  CHECK(testing::relative_rms(mixer->forward(recorded.at("x").to(at::kDouble), {}), recorded.at("y64")) <
        1e-6);
}

TEST_CASE("retention alone answers as flash-linear-attention's operator", "[retnet]") {
  // x holds q, k and v side by side; the maps pick them out, and `out` puts the heads where they can be read.
  const Tensors recorded = fixture("fla_retention_L14");
  const auto flat = [](const at::Tensor& x_BHLX) { return x_BHLX.transpose(1, 2).flatten(2); };
  const at::Tensor x = at::cat({flat(recorded.at("q")), flat(recorded.at("k")), flat(recorded.at("v"))}, 2);
  const auto mixer = retnet({.width = 96},
                            {{"heads", whole(4)},
                             {"expand_key", Node(32.0 / 96)},
                             {"expand_value", Node(32.0 / 96)},
                             {"rope", Node("none")},
                             {"norm", Node("none")},
                             {"gate", Node("none")}},
                            at::kFloat);
  const at::Tensor all = at::eye(96);
  testing::set_parameter(*mixer, "q.weight", all.narrow(0, 0, 32));
  testing::set_parameter(*mixer, "k.weight", all.narrow(0, 32, 32));
  testing::set_parameter(*mixer, "v.weight", all.narrow(0, 64, 32));
  testing::set_parameter(*mixer, "out.weight", all.narrow(1, 0, 32));
  CHECK(testing::relative_rms(mixer->forward(x, {}).narrow(2, 0, 32), flat(recorded.at("y"))) < 1e-5);
}

TEST_CASE("RetNet refuses to be bidirectional, and widths that its heads do not divide", "[retnet]") {
  CHECK_THROWS_WITH(
      retnet({.width = 8, .causal = false}, {}),
      "part.type = retnet: has only a causal form; its state runs from the first token to the last");
  CHECK_THROWS_WITH(retnet({.width = 8}, {{"heads", whole(3)}}),
                    "part.expand_key = 1.0: must divide width * expand_key into heads = 3\n"
                    "part.expand_value = 2.0: must divide width * expand_value into heads = 3");
  CHECK_THROWS_WITH(retnet({.width = 12}, {}), "part.rope = half: must be none for an odd key width, here 3");
  CHECK_THROWS_WITH(retnet({.width = 8}, {})->forward(at::zeros({1, 2, 9}, at::kDouble), {}),
                    "retnet: x: expected [*, *, 8], got [1, 2, 9]");
}

}  // namespace retnet_test
