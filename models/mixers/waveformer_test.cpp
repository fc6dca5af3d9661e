#include <torch/torch.h>

#include "core/testing/catch.h"
#include "models/mixer.h"
#include "models/testing/parts.h"

using namespace subband;
using config::Node;

namespace waveformer_test {

using Fields = std::initializer_list<std::pair<const char*, Node>>;

static std::shared_ptr<Mixer> waveformer(MixerContext context, Fields fields) {
  Initializer first(plain_generator(3));
  context.initializer = &first;
  const auto mixer = testing::make_part<Mixer>("waveformer", context, fields);
  mixer->to(at::kDouble);
  mixer->eval();
  return mixer;
}

// Every attention gives back its input's linear image: one head that sees one coefficient only.
static void make_linear(Mixer& mixer, int64_t bands, const at::Tensor& v) {
  for (int64_t band = 0; band < bands; ++band) {
    const std::string name = "bands." + std::to_string(band) + ".";
    testing::set_parameter(mixer, name + "v.weight", v);
    for (const char* zero : {"q", "k", "v", "out"})
      testing::set_parameter(mixer, name + zero + ".bias", at::zeros({v.size(0)}, at::kDouble));
    testing::set_parameter(mixer, name + "out.weight", at::eye(v.size(0), at::kDouble));
  }
}

TEST_CASE("the Waveformer splits by Haar, attends within bands with weights of their own, and joins",
          "[waveformer]") {
  const auto mixer =
      waveformer({.width = 4, .length = 8, .causal = false},
                 {{"wavelet", Node("daubechies")}, {"taps", Node(int64_t{2})}, {"levels", Node(int64_t{2})}});
  const at::Tensor x = testing::random({1, 8, 4}, at::kDouble);
  const double root_half = std::sqrt(0.5);
  const auto split = [&](const at::Tensor& c, double sign) {
    return (c.slice(1, 0, 8, 2) * root_half + sign * c.slice(1, 1, 8, 2) * root_half).contiguous();
  };
  const at::Tensor a1 = split(x, 1), d1 = split(x, -1), a2 = split(a1, 1), d2 = split(a1, -1);
  // The plain attention with the weights of one band is the reference of that band.
  const auto band = [&](int64_t index, const at::Tensor& z) {
    Initializer first(plain_generator(1));
    const auto attention =
        testing::make_part<Mixer>("softmax_attention", {.width = 4, .causal = false, .initializer = &first});
    attention->to(at::kDouble);
    for (const auto& each : attention->named_parameters())
      testing::set_parameter(*attention, each.key(),
                             mixer->named_parameters()["bands." + std::to_string(index) + "." + each.key()]);
    return attention->forward(z, {});
  };
  const auto join = [&](const at::Tensor& a, const at::Tensor& d) {
    return at::stack({(a + d) * root_half, (a - d) * root_half}, 2).flatten(1, 2);
  };
  const at::Tensor wanted = join(join(band(2, a2), band(1, d2)), band(0, d1));
  CHECK(at::allclose(mixer->forward(x, {}), wanted, 0, 1e-12));
}

TEST_CASE("with attentions that give their input back, so does the Waveformer, for orthogonal wavelets",
          "[waveformer]") {
  // Keys of zero make attention a mean over the band; a band of one coefficient is its own mean.
  const auto mixer = waveformer({.width = 3, .length = 2, .causal = false},
                                {{"wavelet", Node("orthogonal")},
                                 {"taps", Node(int64_t{2})},
                                 {"attention", [] {
                                    Node attention = Node::map();
                                    attention.set("type", Node("softmax_attention"));
                                    attention.set("heads", Node(int64_t{1}));
                                    return attention;
                                  }()}});
  make_linear(*mixer, 2, at::eye(3, at::kDouble));
  const at::Tensor x = testing::random({2, 2, 3}, at::kDouble);
  CHECK(at::allclose(mixer->forward(x, {}), x, 0, 1e-12));
}

TEST_CASE("padding changes nothing for the Waveformer's real tokens, with every wavelet", "[waveformer]") {
  for (const char* wavelet : {"adaptive", "daubechies", "orthogonal", "lifting", "adaptive_lifting"}) {
    for (const int64_t real : {1, 8, 11}) {
      CAPTURE(wavelet, real);
      const auto mixer =
          waveformer({.width = 4, .length = 20, .causal = false},
                     {{"wavelet", Node(wavelet)}, {"levels", Node(int64_t{2})}, {"taps", Node(int64_t{4})}});
      const at::Tensor x = testing::random({1, 17, 4}, at::kDouble),
                       keep = at::arange(17).lt(real).unsqueeze(0);
      const at::Tensor alone = mixer->forward(x.narrow(1, 0, real), {});
      CHECK(at::allclose(mixer->forward(x, {.keep_BL = keep}).narrow(1, 0, real), alone, 0, 1e-12));
    }
  }
}

TEST_CASE("the Waveformer has levels + 1 times the parameters of its attention, and its wavelet's",
          "[waveformer]") {
  const auto mixer = waveformer({.width = 8, .causal = false}, {{"levels", Node(int64_t{3})}});
  int64_t count = 0;
  for (const at::Tensor& parameter : mixer->parameters()) count += parameter.numel();
  CHECK(count == 4 * 4 * (8 * 8 + 8) + 8 * 8);
}

TEST_CASE("the Waveformer refuses to be causal", "[waveformer]") {
  CHECK_THROWS_WITH(
      waveformer({.width = 8}, {}),
      "part.type = waveformer: has no causal form: its wavelet spreads every token over later and earlier "
      "ones; mixer wavelet is causal");
  CHECK_THROWS_WITH(waveformer({.width = 8, .causal = false}, {{"taps", Node(int64_t{5})}}),
                    "part.taps = 5: must be even");
  CHECK_THROWS_WITH(waveformer({.width = 8, .causal = false}, {{"boundary", Node("circular")}}),
                    "part.boundary = circular: must be zero or reflect for filters");
}

}  // namespace waveformer_test
