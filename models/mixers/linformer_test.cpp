#include <torch/torch.h>

#include <cmath>

#include "core/testing/catch.h"
#include "models/testing/recorded_mixer.h"

using namespace subband;
using config::Node;

namespace linformer_test {

using Fields = std::initializer_list<std::pair<const char*, Node>>;

static std::shared_ptr<Mixer> made(const char* type, int64_t width, bool causal, Fields fields = {}) {
  Initializer first(plain_generator(3));
  const auto mixer = testing::make_part<Mixer>(
      type, {.width = width, .length = 9, .causal = causal, .initializer = &first}, fields);
  mixer->to(at::kDouble);
  return mixer;
}

// One head of one sequence: softmax over slots.
static at::Tensor by_definition(const Mixer& mixer, const at::Tensor& x_LD) {
  const auto parameters = mixer.named_parameters();
  const at::Tensor q = testing::mapped(mixer, "q", x_LD), k = testing::mapped(mixer, "k", x_LD),
                   v = testing::mapped(mixer, "v", x_LD), E = parameters["key_projection"].detach(),
                   F = parameters["value_projection"].detach();
  const int64_t L = x_LD.size(0), S = E.size(1), K = q.size(1);
  at::Tensor y = at::zeros_like(v);
  for (int64_t i = 0; i < L; ++i) {
    at::Tensor sum = at::zeros({K}, at::kDouble);
    double weights = 0;
    for (int64_t s = 0; s < S; ++s) {
      at::Tensor key = at::zeros({K}, at::kDouble), value = at::zeros({K}, at::kDouble);
      for (int64_t j = 0; j < L; ++j) key += E[j][s] * k[j], value += F[j][s] * v[j];
      const double weight = std::exp(q[i].dot(key).item<double>() / std::sqrt(static_cast<double>(K)));
      weights += weight;
      sum += weight * value;
    }
    y[i] = sum / weights;
  }
  return testing::mapped(mixer, "out", y);
}

const testing::NameTable kLinformer = {{"q.weight", "to_q.weight"},    {"k.weight", "to_k.weight"},
                                       {"v.weight", "to_v.weight"},    {"key_projection", "proj_k"},
                                       {"value_projection", "proj_v"}, {"out.weight", "to_out.weight"},
                                       {"out.bias", "to_out.bias"}};

TEST_CASE("linformer is a softmax over learned sums, and a shorter input takes the first rows",
          "[linformer]") {
  const auto mixer = made("linformer", 6, false, {{"heads", Node(int64_t{1})}, {"slots", Node(int64_t{4})}});
  for (const int64_t L : {9, 5, 1}) {
    CAPTURE(L);
    const at::Tensor x = testing::random({1, L, 6}, at::kDouble);
    CHECK(at::allclose(mixer->forward(x, {})[0], by_definition(*mixer, x[0]), 0, 1e-12));
  }
}

TEST_CASE("with as many slots as tokens and projections that do nothing linformer is attention",
          "[linformer]") {
  const auto exact = made("softmax_attention", 8, false, {{"kv_heads", Node(int64_t{2})}});
  const auto mixer =
      made("linformer", 8, false, {{"slots", Node(int64_t{9})}, {"kv_heads", Node(int64_t{2})}});
  for (const auto& parameter : exact->named_parameters())
    testing::set_parameter(*mixer, parameter.key(), parameter.value());
  for (const char* name : {"key_projection", "value_projection"})
    testing::set_parameter(*mixer, name, at::eye(9, at::kDouble));
  const at::Tensor x = testing::random({2, 9, 8}, at::kDouble);
  CHECK(at::allclose(mixer->forward(x, {}), exact->forward(x, {}), 0, 1e-12));
}

TEST_CASE("what linformer shares it does not have twice", "[linformer]") {
  const auto names = [](Fields fields) {
    std::string all;
    for (const auto& each : made("linformer", 8, false, fields)->named_parameters()) all += each.key() + " ";
    return all;
  };
  const Node yes(true);
  CHECK_THAT(names({}), Catch::ContainsSubstring("value_projection"));
  CHECK_THAT(names({{"share_projection", yes}}), !Catch::ContainsSubstring("value_projection"));
  CHECK_THAT(names({{"share_projection", yes}}), Catch::ContainsSubstring("v.weight"));
  CHECK_THAT(names({{"share_kv", yes}}), !Catch::ContainsSubstring("v.weight"));
  const auto each = made("linformer", 8, false, {{"projection_per_head", yes}, {"slots", Node(int64_t{3})}});
  CHECK(each->named_parameters()["key_projection"].sizes() == at::IntArrayRef({4, 9, 3}));
  CHECK(each->forward(at::ones({2, 5, 8}, at::kDouble), {}).sizes() == at::IntArrayRef({2, 5, 8}));
}

TEST_CASE("linformer gives the answers of its package", "[linformer][recorded]") {
  const auto recorded = testing::recorded_mixer("linformer_L32_k8");
  if (!recorded) return;
  const auto mixer = made("linformer", 32, false,
                          {{"length", Node(int64_t{32})},
                           {"slots", Node(int64_t{8})},
                           {"bias", Node(false)},
                           {"out_bias", Node(true)}});
  testing::match_recorded(*mixer, *recorded, kLinformer);
}

TEST_CASE("linformer refuses a longer input than its projections have rows, and to be causal",
          "[linformer]") {
  CHECK_THROWS_WITH(made("linformer", 8, false)->forward(at::zeros({1, 10, 8}, at::kDouble), {}),
                    "linformer: length of x = 10: must be at most 9, the rows of the projections");
  CHECK_THROWS_WITH(
      made("linformer", 8, true),
      "part.type = linformer: has no causal form: a slot sums over all positions; linformer_block_causal "
      "has one");
}

}  // namespace linformer_test
