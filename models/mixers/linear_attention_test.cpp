#include <torch/torch.h>

#include <cmath>

#include "core/testing/catch.h"
#include "models/testing/going_on.h"
#include "models/testing/recorded_mixer.h"

using namespace subband;
using config::Node;

namespace linear_attention_test {

using Fields = std::initializer_list<std::pair<const char*, Node>>;

static std::shared_ptr<Mixer> made(int64_t width, bool causal, Fields fields = {}) {
  Initializer first(plain_generator(3));
  const auto mixer = testing::make_part<Mixer>(
      "linear_attention", {.width = width, .causal = causal, .initializer = &first}, fields);
  mixer->to(at::kDouble);
  return mixer;
}

static double feature(double x) { return x > 0 ? x + 1 : std::exp(x); }

// One sequence of `real` tokens and padding, 4 heads over 2 groups.
static at::Tensor by_definition(const Mixer& mixer, const at::Tensor& x_LD, bool causal, int64_t real) {
  const at::Tensor q = testing::mapped(mixer, "q", x_LD).unflatten(-1, {4, -1}),
                   k = testing::mapped(mixer, "k", x_LD).unflatten(-1, {2, -1}),
                   v = testing::mapped(mixer, "v", x_LD).unflatten(-1, {2, -1});
  const at::Tensor y = testing::weighted_sums(v, 4, 1e-6, [&](int64_t h, int64_t i, int64_t j) {
    if (j >= real || (causal && j > i)) return 0.0;
    double sum = 0;
    for (int64_t c = 0; c < q.size(2); ++c)
      sum += feature(q[i][h][c].item<double>()) * feature(k[j][h / 2][c].item<double>());
    return sum;
  });
  return testing::mapped(mixer, "out", y.flatten(1));
}

const testing::NameTable kFastTransformers = {
    {"q.weight", "query_projection.weight"}, {"q.bias", "query_projection.bias"},
    {"k.weight", "key_projection.weight"},   {"k.bias", "key_projection.bias"},
    {"v.weight", "value_projection.weight"}, {"v.bias", "value_projection.bias"},
    {"out.weight", "out_projection.weight"}, {"out.bias", "out_projection.bias"}};

TEST_CASE("linear attention is the definition, causal or not, padded, with grouped heads and wide values",
          "[linear_attention]") {
  for (const bool causal : {true, false}) {
    const auto mixer = made(
        12, causal,
        {{"kv_heads", Node(int64_t{2})}, {"value_width", Node(int64_t{5})}, {"chunk", Node(int64_t{3})}});
    const at::Tensor x = testing::random({2, 8, 12}, at::kDouble), keep = at::ones({2, 8}, at::kBool);
    keep[1].narrow(0, 5, 3).fill_(false);
    const at::Tensor y = mixer->forward(x, {.keep_BL = keep});
    CAPTURE(causal);
    CHECK(at::allclose(y[0], by_definition(*mixer, x[0], causal, 8), 0, 1e-12));
    CHECK(at::allclose(y[1], by_definition(*mixer, x[1], causal, 5), 0, 1e-12));
  }
}

TEST_CASE("the last token of the causal form sees what the open form sees", "[linear_attention]") {
  const at::Tensor x = testing::random({2, 17, 8}, at::kDouble);
  CHECK(at::allclose(made(8, true)->forward(x, {}).select(1, 16),
                     made(8, false)->forward(x, {}).select(1, 16), 0, 1e-12));
}

TEST_CASE("the chunk changes nothing, and grouped heads keep one state per group", "[linear_attention]") {
  const at::Tensor x = testing::random({2, 70, 8}, at::kDouble);
  const Node two(int64_t{2});
  const at::Tensor wanted = made(8, true, {{"kv_heads", two}})->forward(x, {});
  for (const int64_t chunk : {1, 2, 7, 16, 100}) {
    CAPTURE(chunk);
    const auto mixer = made(8, true, {{"kv_heads", two}, {"chunk", Node(chunk)}});
    CHECK(at::allclose(mixer->forward(x, {}), wanted, 0, 1e-12));
    SequenceState state;
    const at::Tensor y = testing::in_pieces(*mixer, x.narrow(1, 0, 34), {33, 1}, state);
    CHECK(at::allclose(y, wanted.narrow(1, 0, 34), 0, 1e-12));
    CHECK(state.bytes() == 2 * mixer->state_bytes(34, 8));
    CHECK(state.bytes() == 2 * 2 * 2 * 3 * 8);
  }
}

TEST_CASE("other features, a scale and no normaliser are what they say", "[linear_attention]") {
  const at::Tensor x = testing::random({1, 6, 8}, at::kDouble);
  const auto mixer = made(8, true,
                          {{"heads", Node(int64_t{1})},
                           {"feature_map", Node("identity")},
                           {"normalized", Node(false)},
                           {"scale", Node(0.5)}});
  const at::Tensor q = testing::mapped(*mixer, "q", x[0]), k = testing::mapped(*mixer, "k", x[0]);
  const at::Tensor y = at::matmul(at::matmul(q, k.t()).mul(0.5).tril(), testing::mapped(*mixer, "v", x[0]));
  CHECK(at::allclose(mixer->forward(x, {})[0], testing::mapped(*mixer, "out", y), 0, 1e-12));
  const at::Tensor relu = made(8, true, {{"feature_map", Node("relu")}})->forward(x, {});
  CHECK(at::isfinite(relu).all().item<bool>());
  CHECK_FALSE(at::allclose(relu, made(8, true)->forward(x, {})));
}

TEST_CASE("linear attention gives the answers of fast-transformers", "[linear_attention][recorded]") {
  if (const auto recorded = testing::recorded_mixer("linear_attention_causal_L35"))
    testing::match_recorded(*made(32, true, {{"heads", Node(int64_t{2})}}), *recorded, kFastTransformers);
  if (const auto recorded = testing::recorded_mixer("linear_attention_pad_L26"))
    testing::match_recorded(*made(48, false, {{"heads", Node(int64_t{3})}}), *recorded, kFastTransformers);
}

TEST_CASE("linear attention refuses what does not fit", "[linear_attention]") {
  CHECK_THROWS_WITH(made(8, true)->forward(at::zeros({2, 3, 7}, at::kDouble), {}),
                    "linear_attention: x: expected [*, *, 8], got [2, 3, 7]");
  CHECK_THROWS_WITH(made(8, true, {{"feature_map", Node("elu+1")}}),
                    "part.feature_map = elu+1: unknown choice; known: elu, identity, relu");
}

}  // namespace linear_attention_test
