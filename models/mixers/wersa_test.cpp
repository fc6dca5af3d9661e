#include <torch/torch.h>

#include <cmath>
#include <functional>
#include <vector>

#include "core/testing/catch.h"
#include "models/layers/spectral/haar_bands.h"
#include "models/mixer.h"
#include "models/testing/going_on.h"
#include "models/testing/parts.h"

using namespace subband;
using config::Node;

namespace wersa_test {

using Fields = std::initializer_list<std::pair<const char*, Node>>;

static std::shared_ptr<Mixer> wersa(MixerContext context, Fields fields, uint64_t seed = 3,
                                    at::ScalarType type = at::kDouble) {
  Initializer first(plain_generator(seed));
  context.initializer = &first;
  const auto mixer = testing::make_part<Mixer>("wersa", context, fields);
  mixer->to(type);
  mixer->eval();
  return mixer;
}

static Node whole(int64_t value) { return Node(value); }

static at::Tensor value(const torch::nn::Module& mixer, const std::string& name) {
  return testing::value_named(mixer, name).detach();
}

static at::Tensor linear(const torch::nn::Module& mixer, const std::string& name, const at::Tensor& x) {
  return at::linear(x, value(mixer, name + ".weight"), value(mixer, name + ".bias"));
}

// γ of every token [L,S]; pooled: of the mean of the first `real` tokens.
static at::Tensor gains_by_definition(const torch::nn::Module& mixer, const at::Tensor& x_LD, int64_t real,
                                      bool causal) {
  const at::Tensor p = causal ? x_LD : x_LD.narrow(0, 0, real).mean(0, true);
  const at::Tensor open = linear(mixer, "gate_out", linear(mixer, "gate_in", p).clamp_min(0)).sigmoid();
  return open * value(mixer, "band_weights");
}

// φ of one head's row in scalar loops.
static std::vector<double> features_by_definition(const torch::nn::Module& mixer, const at::Tensor& row_K) {
  const at::Tensor R = value(mixer, "projection");
  const double bandwidth = std::log1p(std::exp(value(mixer, "bandwidth").item<double>())) + 0.1;
  std::vector<double> phi;
  for (int64_t f = 0; f < R.size(1); ++f) {
    double sum = 0;
    for (int64_t c = 0; c < R.size(0); ++c)
      sum += R[c][f].item<double>() * row_K[c].item<double>() / bandwidth;
    phi.push_back(std::max(0.0, sum) / std::sqrt(static_cast<double>(R.size(1))));
  }
  return phi;
}

// One sequence of `real` tokens and padding: weights w_ij = φ(q_i)·φ(k_j) of all pairs, then norm and out.
static at::Tensor by_definition(const torch::nn::Module& mixer, const at::Tensor& x_LD, int64_t heads,
                                int64_t real, bool causal) {
  const int64_t L = x_LD.size(0), K = x_LD.size(1) / heads;
  const at::Tensor gains = gains_by_definition(mixer, x_LD, real, causal).unsqueeze(0);
  const auto filtered = [&](const char* name) {
    at::Tensor x = at::gelu(linear(mixer, name, x_LD)).view({1, L, heads, K}).clone();
    if (!causal) x.narrow(1, real, L - real).zero_();
    return causal ? haar_bands::causal(x, gains)[0] : haar_bands::block(x, gains)[0];
  };
  const at::Tensor q = filtered("q"), k = filtered("k"), v = linear(mixer, "v", x_LD).view({L, heads, K});
  at::Tensor y = at::zeros_like(v);
  for (int64_t h = 0; h < heads; ++h) {
    std::vector<std::vector<double>> key_features;
    for (int64_t j = 0; j < L; ++j) key_features.push_back(features_by_definition(mixer, k[j][h]));
    for (int64_t i = 0; i < L; ++i) {
      const auto query = features_by_definition(mixer, q[i][h]);
      double total = 1e-6;
      at::Tensor sum = at::zeros({K}, at::kDouble);
      for (int64_t j = 0; j < (causal ? i + 1 : real); ++j) {
        double weight = 0;
        for (size_t f = 0; f < query.size(); ++f)
          weight += query[f] * key_features[static_cast<size_t>(j)][f];
        total += weight;
        sum += weight * v[j][h];
      }
      sum = sum / total;
      const double mean = sum.mean().item<double>(), variance = sum.var(false).item<double>();
      y[i][h].copy_((sum - mean) / std::sqrt(variance + 1e-5) * value(mixer, "head_norm.weight") +
                    value(mixer, "head_norm.bias"));
    }
  }
  return linear(mixer, "out", y.flatten(1));
}

// The farthest token after position 0 that still changes the output at 0.
static int64_t farthest_seen(Mixer& mixer, int64_t length) {
  const at::Tensor x = testing::random({1, length, 8}, at::kDouble),
                   before = mixer.forward(x, {}).select(1, 0);
  for (int64_t t = length - 1; t > 0; --t) {
    at::Tensor edited = x.clone();
    edited.select(1, t).mul_(-3);
    if (!at::equal(mixer.forward(edited, {}).select(1, 0), before)) return t;
  }
  return 0;
}

TEST_CASE("WERSA is its definition as explicit weights of all pairs, causal or not, padded or not",
          "[wersa]") {
  for (const bool causal : {true, false}) {
    const auto mixer = wersa({.width = 6, .length = 16, .causal = causal},
                             {{"heads", whole(2)}, {"features", whole(5)}, {"chunk", whole(4)}});
    const torch::NoGradGuard no_gradient;
    at::Generator generator = plain_generator(7);
    for (at::Tensor& parameter : mixer->parameters())
      parameter.add_(0.3 * at::randn(parameter.sizes(), generator, parameter.options().requires_grad(false)));
    const at::Tensor x = testing::random({2, 11, 6}, at::kDouble);
    const at::Tensor keep = at::ones({2, 11}, at::kBool);
    keep[1].narrow(0, 6, 5).fill_(false);
    const at::Tensor y = mixer->forward(x, {.keep_BL = keep});
    CHECK(at::allclose(y[0], by_definition(*mixer, x[0], 2, 11, causal), 0, 1e-11));
    CHECK(at::allclose(y[1].narrow(0, 0, 6), by_definition(*mixer, x[1], 2, 6, causal).narrow(0, 0, 6), 0,
                       1e-11));
    CHECK(at::allclose(mixer->forward(x, {})[1], by_definition(*mixer, x[1], 2, 11, causal), 0, 1e-11));
  }
}

TEST_CASE("under the ReLU maps of WERSA the bandwidth cancels", "[wersa]") {
  for (const char* map : {"relu_shared", "relu_separate"}) {
    const auto mixer =
        wersa({.width = 16, .causal = false}, {{"feature_map", Node(map)}, {"epsilon", Node(1e-12)}});
    const at::Tensor x = testing::random({1, 20, 16}, at::kDouble), before = mixer->forward(x, {});
    testing::set_parameter(*mixer, "bandwidth", at::full({}, 3.0, at::kDouble));
    CHECK(testing::relative_rms(mixer->forward(x, {}), before) < 1e-5);
  }
}

TEST_CASE("causal WERSA shows no prefix its future, with gates per token and by a convolution", "[wersa]") {
  for (const char* gates : {"token", "convolution"}) {
    const auto mixer = wersa(
        {.width = 8}, {{"gates", Node(gates)}, {"levels", whole(4)}, {"chunk", whole(16)}}, 3, at::kFloat);
    const at::Tensor x = testing::random({1, 64, 8}), before = mixer->forward(x, {});
    for (const int64_t prefix : {1, 3, 7, 15, 31, 32, 63}) {
      at::Tensor edited = x.clone();
      edited.narrow(1, prefix, 64 - prefix).mul_(-100);
      const at::Tensor after = mixer->forward(edited, {});
      CHECK(at::equal(after.narrow(1, 0, prefix), before.narrow(1, 0, prefix)));
      CHECK_FALSE(at::equal(after, before));
    }
  }
}

TEST_CASE("unsafe_block_haar leaks 2^levels - 1 tokens of the future into causal WERSA", "[wersa]") {
  for (const int64_t levels : {1, 2, 4}) {
    const Fields fields = {{"levels", whole(levels)}, {"unsafe_block_haar", Node(true)}};
    const auto leaky = wersa({.width = 8}, fields), sound = wersa({.width = 8}, {{"levels", whole(levels)}});
    CHECK(farthest_seen(*leaky, 40) == (1 << levels) - 1);
    CHECK(farthest_seen(*sound, 40) == 0);
    CHECK_FALSE(leaky->can_continue());
  }
}

TEST_CASE("WERSA decodes what it computes at once, and its state is as large as it says", "[wersa]") {
  const auto check = [](Fields fields) {
    const auto mixer = wersa({.width = 16}, fields, 3, at::kFloat);
    const at::Tensor x = testing::random({2, 45, 16});
    CHECK(testing::relative_rms(testing::by_token(*mixer, x), mixer->forward(x, {})) < 1e-5);
  };
  check({});
  check(
      {{"levels", whole(4)}, {"gates", Node("convolution")}, {"kv_heads", whole(2)}, {"rope", Node("half")}});
  check({{"levels", whole(0)}, {"gates", Node("none")}, {"feature_map", Node("favor_positive")}});
  check({{"feature_map", Node("relu_separate")}, {"head_norm", Node(false)}, {"activation", Node("none")}});
}

TEST_CASE(
    "the ReLU features of WERSA estimate their kernels: by angle where R is shared, blind to it where not",
    "[wersa]") {
  // Without wavelet, gates, bandwidth and norm, two tokens' weights are ratios of the kernel.
  const int64_t K = 4;
  const at::Tensor x = at::eye(K, at::kDouble).narrow(0, 0, 2).unsqueeze(0);  // a right angle
  for (const bool shared : {true, false}) {
    const auto mixer = wersa({.width = K, .length = 2, .causal = false},
                             {{"heads", whole(1)},
                              {"levels", whole(0)},
                              {"features", whole(65536)},
                              {"feature_map", Node(shared ? "relu_shared" : "relu_separate")},
                              {"activation", Node("none")},
                              {"gates", Node("none")},
                              {"band_weights", Node(false)},
                              {"bandwidth", Node(false)},
                              {"head_norm", Node(false)}});
    for (const char* name : {"q", "k", "v", "out"}) {
      testing::set_parameter(*mixer, std::string(name) + ".weight", at::eye(K, at::kDouble));
      testing::set_parameter(*mixer, std::string(name) + ".bias", at::zeros({K}, at::kDouble));
    }
    // y_0 = w_00 e_0 + w_01 e_1: E φ(x)φ(x) = π/(2πd) and E φ(x)φ(y) = 1/(2πd) at 90 degrees where shared.
    const at::Tensor y = mixer->forward(x, {})[0][0];
    CHECK(y[1].item<double>() / y[0].item<double>() == Approx(shared ? 1 / M_PI : 1.0).epsilon(0.03));
  }
}

TEST_CASE("the positive features of WERSA converge to softmax attention as 1/sqrt(m)", "[wersa]") {
  const int64_t K = 64, L = 96;
  const at::Tensor x = testing::random({1, L, K}, at::kDouble);
  const auto identity_maps = [&](Mixer& mixer) {
    for (const char* name : {"q", "k", "v", "out"}) {
      const double gain = name[0] == 'q' || name[0] == 'k' ? 0.3 : 1.0;
      testing::set_parameter(mixer, std::string(name) + ".weight", gain * at::eye(K, at::kDouble));
      testing::set_parameter(mixer, std::string(name) + ".bias", at::zeros({K}, at::kDouble));
    }
  };
  Initializer first(plain_generator(1));
  const auto exact = testing::make_part<Mixer>(
      "softmax_attention", {.width = K, .causal = false, .initializer = &first}, {{"heads", whole(1)}});
  exact->to(at::kDouble);
  identity_maps(*exact);
  const at::Tensor wanted = exact->forward(x, {});
  std::vector<double> errors;
  for (const int64_t m : {64, 512, 4096}) {
    double square = 0;
    for (uint64_t seed = 1; seed <= 6; ++seed) {
      const auto mixer = wersa({.width = K, .length = L, .causal = false},
                               {{"heads", whole(1)},
                                {"features", whole(m)},
                                {"feature_map", Node("favor_positive")},
                                {"activation", Node("none")},
                                {"gates", Node("none")},
                                {"band_weights", Node(false)},
                                {"bandwidth", Node(false)},
                                {"head_norm", Node(false)}},
                               seed);
      identity_maps(*mixer);
      const double error = testing::relative_rms(mixer->forward(x, {}), wanted);
      square += error * error / 6;
    }
    errors.push_back(std::sqrt(square));
  }
  const double slope = std::log(errors.back() / errors.front()) / std::log(4096.0 / 64);
  CHECK(slope < -0.4);
  CHECK(slope > -0.6);
  CHECK(errors.back() < 0.06);
}

TEST_CASE("the positive features of WERSA hold in fp32 with wide heads and loud inputs", "[wersa]") {
  for (const bool causal : {true, false}) {
    for (const double loud : {1.0, 2.0}) {
      CAPTURE(causal, loud);
      const auto mixer =
          wersa({.width = 256, .length = 33, .causal = causal},
                {{"heads", whole(1)}, {"features", whole(64)}, {"feature_map", Node("favor_positive")}});
      at::Tensor x = (loud * testing::random({1, 33, 256}, at::kDouble)).requires_grad_();
      const at::Tensor wanted = mixer->forward(x, {});
      wanted.square().sum().backward();
      mixer->to(at::kFloat);
      at::Tensor single = x.detach().to(at::kFloat).requires_grad_();
      const at::Tensor y = mixer->forward(single, {});
      y.square().sum().backward();
      CHECK(testing::relative_rms(y, wanted) < 1e-5);
      CHECK(testing::relative_rms(single.grad(), x.grad()) < 1e-4);
    }
  }
}

TEST_CASE("WERSA adds the parameters of its formula to attention", "[wersa]") {
  const int64_t D = 256, d = 64, bands = 3;
  for (const char* gates : {"pooled", "convolution"}) {
    const auto mixer = wersa({.width = D, .causal = false}, {{"gates", Node(gates)}, {"bias", Node(false)}});
    int64_t count = -4 * D * D;
    for (const at::Tensor& parameter : mixer->parameters()) count += parameter.numel();
    const int64_t pooled = D * D / 4 + D / 4 + bands * (D / 4 + 2) + 1 + 2 * d;
    CHECK(count == (gates[0] == 'p' ? pooled : pooled + 34 * D));
    if (gates[0] == 'c') CHECK(count == 25479);
  }
}

TEST_CASE("WERSA refuses what would show the future, and levels deeper than the window", "[wersa]") {
  CHECK_THROWS_WITH(
      wersa({.width = 8}, {{"gates", Node("pooled")}}),
      "part.gates = pooled: must not be pooled where causal: the mean of all tokens shows each of them "
      "its future");
  CHECK_THROWS_WITH(wersa({.width = 8, .length = 9, .causal = false}, {{"levels", whole(5)}}),
                    "part.levels = 5: must be at most log2 of the longest window, 9");
  SequenceState state;
  CHECK_THROWS_WITH(
      wersa({.width = 8, .causal = false}, {})->forward(at::zeros({1, 3, 8}, at::kDouble), {.state = &state}),
      "wersa: state: this one reads whole windows and cannot go on from a past");
  CHECK_THROWS_WITH(wersa({.width = 8}, {})->forward(at::zeros({1, 3, 7}, at::kDouble), {}),
                    "wersa: x: expected [*, *, 8], got [1, 3, 7]");
}

}  // namespace wersa_test
