#include <torch/torch.h>

#include <cmath>
#include <set>
#include <vector>

#include "core/testing/catch.h"
#include "models/mixer.h"
#include "models/testing/going_on.h"
#include "models/testing/parts.h"

using namespace subband;
using config::Node;

namespace wavelet_mixer_test {

using Fields = std::initializer_list<std::pair<const char*, Node>>;

static std::shared_ptr<Mixer> wavelet(MixerContext context, Fields fields,
                                      at::ScalarType type = at::kDouble) {
  Initializer first(plain_generator(3));
  context.initializer = &first;
  const auto mixer = testing::make_part<Mixer>("wavelet", context, fields);
  mixer->to(type);
  mixer->eval();
  const torch::NoGradGuard no_gradient;
  at::Generator generator = plain_generator(7);
  for (at::Tensor& parameter : mixer->parameters())
    parameter.add_(0.2 * at::randn(parameter.sizes(), generator, parameter.options().requires_grad(false)));
  return mixer;
}

static Node whole(int64_t value) { return Node(value); }

static Node part(const char* type, std::initializer_list<std::pair<const char*, Node>> fields) {
  Node spec = Node::map();
  spec.set("type", Node(type));
  for (const auto& [key, value] : fields) spec.set(key, value);
  return spec;
}

static at::Tensor value(const torch::nn::Module& mixer, const std::string& name) {
  return mixer.named_parameters()[name].detach();
}

TEST_CASE("the wavelet mixer is its definition with the fixed Haar wavelet", "[wavelet_mixer]") {
  // Two levels, no transform, the gate off: everything is linear and can be followed by hand.
  const auto mixer = wavelet({.width = 3}, {{"levels", whole(2)},
                                            {"lifting", Node("haar")},
                                            {"transform", Node("identity")},
                                            {"scale_mixer", part("gated", {{"gate", Node("none")}})}});
  const int64_t L = 7;
  const at::Tensor x = testing::random({1, L, 3}, at::kDouble), y = mixer->forward(x, {});
  const double root_half = 0.70710678118;
  at::Tensor c = x[0].clone(), mean = at::zeros({L, 3}, at::kDouble);
  for (int64_t t = 0; t < L; ++t) mean[t].copy_(x[0].narrow(0, 0, t + 1).mean(0));
  std::vector<at::Tensor> scales(3);
  for (int64_t level = 0; level < 2; ++level) {
    at::Tensor next = at::zeros_like(c), detail = at::zeros_like(c);
    for (int64_t t = 0; t < L; ++t) {
      const int64_t back = t - (int64_t{1} << level);
      const at::Tensor past = back >= 0 ? c[back] : at::zeros({3}, at::kDouble);
      detail[t].copy_((c[t] - past) * root_half);
      next[t].copy_((c[t] + past) * root_half);
    }
    scales[static_cast<size_t>(2 - level)] = detail;
    c = next;
  }
  scales[0] = c;
  at::Tensor joined;
  for (size_t s = 0; s < 3; ++s) {
    const auto scale = static_cast<int64_t>(s);
    const at::Tensor biased = scales[s] + value(*mixer, "bypass.gains")[scale] * mean;
    const at::Tensor mixed =
        biased.mm(value(*mixer, "scale_mixer.scales." + std::to_string(s) + ".mixer.weight").t()) *
        value(*mixer, "scale_gains")[scale];
    joined = s == 0 ? mixed : (joined + mixed) * 0.7071067811865476;
  }
  const at::Tensor wanted = at::linear(joined, value(*mixer, "out.weight"), value(*mixer, "out.bias"));
  CHECK(at::allclose(y[0], wanted, 0, 1e-12));
}

TEST_CASE("the wavelet mixer decodes what it computes at once, and its state is as large as it says",
          "[wavelet_mixer]") {
  const auto check = [](Fields fields, int64_t width) {
    const auto mixer = wavelet({.width = width}, fields, at::kFloat);
    const at::Tensor x = testing::random({2, 41, width});
    const at::Tensor y = mixer->forward(x, {});
    CHECK(testing::relative_rms(testing::by_token(*mixer, x), y) < 1e-5);
    // Decoding leaves the mixer as it was.
    CHECK(at::equal(mixer->forward(x, {}), y));
  };
  check({}, 8);
  check({}, 11);  // padded to 16 for the transform
  check({{"levels", whole(3)}, {"dilation", part("crawl", {{"taps", whole(5)}})}, {"bypass", Node("ema")}},
        8);
  check({{"lifting", Node("linear")}, {"bypass", Node("none")}, {"transform", Node("identity")}}, 6);
  check({{"lifting", part("learned", {{"untied_reconstruction", Node(true)}})},
         {"skip_projection", Node(true)}},
        8);
}

TEST_CASE("the wavelet mixer sees the past as far as its levels and bypass reach", "[wavelet_mixer]") {
  const auto farthest = [](Fields fields) {
    const auto mixer = wavelet({.width = 4}, fields);
    const at::Tensor x = testing::random({1, 60, 4}, at::kDouble),
                     before = mixer->forward(x, {}).select(1, 59);
    for (int64_t t = 0; t < 60; ++t) {
      at::Tensor edited = x.clone();
      edited.select(1, t).add_(1);
      if (!at::equal(mixer->forward(edited, {}).select(1, 59), before)) return 59 - t;
    }
    return int64_t{-1};
  };
  CHECK(farthest({{"levels", whole(4)}, {"bypass", Node("none")}}) == 15);
  CHECK(farthest({{"levels", whole(4)}}) == 59);
}

TEST_CASE("the wavelet mixer refuses to be bidirectional", "[wavelet_mixer]") {
  CHECK_THROWS_WITH(wavelet({.width = 8, .causal = false}, {}),
                    "part.type = wavelet: has only a causal form: its wavelet looks back");
  CHECK_THROWS_WITH(wavelet({.width = 8}, {})->forward(at::zeros({1, 2, 9}, at::kDouble), {}),
                    "wavelet: x: expected [*, *, 8], got [1, 2, 9]");
}

}  // namespace wavelet_mixer_test

// Operations of a graph that compute something, each once; leaves apart.
static size_t operations_behind(const at::Tensor& y) {
  std::vector<torch::autograd::Node*> open = {y.grad_fn().get()};
  std::set<torch::autograd::Node*> seen(open.begin(), open.end());
  size_t count = 0;
  while (!open.empty()) {
    torch::autograd::Node* node = open.back();
    open.pop_back();
    if (node->name().find("AccumulateGrad") == std::string::npos) ++count;
    for (const auto& edge : node->next_edges())
      if (edge.function && seen.insert(edge.function.get()).second) open.push_back(edge.function.get());
  }
  return count;
}

TEST_CASE("the path of a block through five crawling levels is at most ten operations, eleven with its norm",
          "[wavelet]") {
  const auto mixer = wavelet_mixer_test::wavelet({.width = 8, .length = 32},
                                                 {{"levels", Node(int64_t{5})}, {"dilation", Node("crawl")}}, at::kFloat);
  const at::Tensor x = at::empty({2, 32, 8}).normal_(0, 1, stream(1, "x")).requires_grad_();
  LayerChannel first, second;
  CHECK(operations_behind(mixer->forward(x, {.after = &first})) <= 8);
  const at::Tensor before = first.summary_BLC.detach();
  const LayerChannel given{before};
  CHECK(operations_behind(mixer->forward(x, {.before = &given, .after = &second})) <= 10);
}
