#include <torch/torch.h>

#include <cmath>

#include "core/testing/catch.h"
#include "models/testing/going_on.h"
#include "models/testing/recorded_mixer.h"

using namespace subband;
using config::Node;

namespace linformer_block_causal_test {

using Fields = std::initializer_list<std::pair<const char*, Node>>;

static std::shared_ptr<Mixer> made(const char* type, Fields fields = {}, bool causal = true) {
  Initializer first(plain_generator(3));
  const auto mixer =
      testing::make_part<Mixer>(type, {.width = 8, .causal = causal, .initializer = &first}, fields);
  mixer->to(at::kDouble);
  return mixer;
}

static std::shared_ptr<Mixer> small() {
  return made("linformer_block_causal",
              {{"block", Node(int64_t{4})}, {"slots", Node(int64_t{2})}, {"kv_heads", Node(int64_t{2})}});
}

// One query head of one sequence, token by token. Blocks of 4 tokens, 2 slots.
static at::Tensor head_by_definition(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                     const at::Tensor& E, const at::Tensor& F) {
  at::Tensor y = at::zeros_like(q);
  for (int64_t i = 0; i < q.size(0); ++i) {
    double weights = 0;
    const auto see = [&](const at::Tensor& key, const at::Tensor& value) {
      const double weight =
          std::exp(q[i].dot(key).item<double>() / std::sqrt(static_cast<double>(q.size(1))));
      weights += weight;
      y[i] += weight * value;
    };
    for (int64_t block = 0; block < i / 4; ++block) {
      for (int64_t s = 0; s < 2; ++s) {
        at::Tensor key = at::zeros_like(q[0]), value = at::zeros_like(q[0]);
        for (int64_t j = 0; j < 4; ++j)
          key += E[j][s] * k[4 * block + j], value += F[j][s] * v[4 * block + j];
        see(key, value);
      }
    }
    for (int64_t j = i / 4 * 4; j <= i; ++j) see(k[j], v[j]);
    y[i] /= weights;
  }
  return y;
}

TEST_CASE("block-causal linformer sees past blocks as slots and its own block exactly",
          "[linformer_block_causal]") {
  const auto mixer = small();
  const auto parameters = mixer->named_parameters();
  const at::Tensor x = testing::random({1, 11, 8}, at::kDouble);
  const auto heads = [&](const char* name, int64_t count) {
    return testing::mapped(*mixer, name, x[0]).unflatten(-1, {count, 2});
  };
  const at::Tensor q = heads("q", 4), k = heads("k", 2), v = heads("v", 2);
  std::vector<at::Tensor> all;
  for (int64_t h = 0; h < 4; ++h) {
    all.push_back(head_by_definition(q.select(1, h), k.select(1, h / 2), v.select(1, h / 2),
                                     parameters["key_projection"].detach(),
                                     parameters["value_projection"].detach()));
  }
  CHECK(at::allclose(mixer->forward(x, {})[0], testing::mapped(*mixer, "out", at::stack(all, 1).flatten(1)),
                     0, 1e-12));
}

TEST_CASE("with slots that are the tokens it is full causal attention", "[linformer_block_causal]") {
  const auto exact = made("softmax_attention");
  const auto mixer =
      made("linformer_block_causal", {{"block", Node(int64_t{4})}, {"slots", Node(int64_t{4})}});
  for (const auto& parameter : exact->named_parameters())
    testing::set_parameter(*mixer, parameter.key(), parameter.value());
  for (const char* name : {"key_projection", "value_projection"})
    testing::set_parameter(*mixer, name, at::eye(4, at::kDouble));
  for (const int64_t L : {1, 4, 5, 14}) {
    CAPTURE(L);
    const at::Tensor x = testing::random({2, L, 8}, at::kDouble);
    CHECK(at::allclose(mixer->forward(x, {}), exact->forward(x, {}), 0, 1e-12));
  }
}

TEST_CASE("a token to come changes no bit across blocks, and steps over blocks are one forward",
          "[linformer_block_causal]") {
  const auto mixer = small();
  const at::Tensor x = testing::random({2, 15, 8}, at::kDouble), y = mixer->forward(x, {});
  for (const int64_t first : {3, 4, 9}) {
    at::Tensor edited = x.clone();
    edited.narrow(1, first, 15 - first).mul_(-100);
    const at::Tensor after = mixer->forward(edited, {});
    CAPTURE(first);
    CHECK(at::equal(after.narrow(1, 0, first), y.narrow(1, 0, first)));
    CHECK_FALSE(at::allclose(after.select(1, 14), y.select(1, 14)));
  }
  CHECK(at::allclose(testing::by_token(*mixer, x), y, 0, 1e-12));
}

TEST_CASE("block-causal linformer refuses the open form and more slots than tokens",
          "[linformer_block_causal]") {
  CHECK_THROWS_WITH(
      made("linformer_block_causal", {}, false),
      "part.type = linformer_block_causal: is the causal form; linformer is the one that is not");
  CHECK_THROWS_WITH(made("linformer_block_causal", {{"block", Node(int64_t{4})}}),
                    "part.slots = 16: must be at most block = 4");
}

}  // namespace linformer_block_causal_test
