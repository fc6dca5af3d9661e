#include <torch/torch.h>

#include <cmath>
#include <limits>

#include "core/testing/catch.h"
#include "models/layers/positions/sinusoids.h"
#include "models/testing/going_on.h"
#include "models/testing/recorded_mixer.h"

using namespace subband;
using config::Node;

namespace transformer_xl_test {

using Fields = std::initializer_list<std::pair<const char*, Node>>;

static std::shared_ptr<Mixer> made(int64_t width, Fields fields = {}, bool causal = true) {
  Initializer first(plain_generator(3));
  const auto mixer = testing::make_part<Mixer>(
      "transformer_xl", {.width = width, .length = 64, .causal = causal, .initializer = &first}, fields);
  mixer->to(at::kDouble);
  return mixer;
}

static Node count(int64_t value) { return Node(value); }

struct Rules {
  int64_t clamp = 1000, sees = 1000;  ///< greatest distance told apart; how many keys a query sees
};

// One sequence with its memory before it, 2 heads of width 3, in loops over heads, queries and keys.
static at::Tensor by_definition(const Mixer& mixer, const at::Tensor& memory, const at::Tensor& x,
                                const Rules& rules) {
  const auto parameters = mixer.named_parameters();
  const at::Tensor all = at::cat({memory, x}), u = parameters["content_bias"].detach(),
                   w = parameters["position_bias"].detach();
  const int64_t M = memory.size(0);
  const auto heads = [&](const char* name, const at::Tensor& of) {
    return testing::mapped(mixer, name, of).unflatten(-1, {2, 3});
  };
  const at::Tensor q = heads("q", x), k = heads("k", all), v = heads("v", all);
  const at::Tensor r =
      heads("r", sinusoids(at::arange(100, at::kFloat), x.size(1), "halves").to(at::kDouble));
  at::Tensor y = at::zeros_like(q);
  for (int64_t h = 0; h < 2; ++h) {
    for (int64_t i = 0; i < x.size(0); ++i) {
      double weights = 0;
      for (int64_t j = std::max<int64_t>(0, i + M + 1 - rules.sees); j <= i + M; ++j) {
        const at::Tensor& position = r[std::min(i + M - j, rules.clamp)][h];
        const double score =
            (q[i][h] + u[h]).dot(k[j][h]).item<double>() + (q[i][h] + w[h]).dot(position).item<double>();
        const double weight = std::exp(score / std::sqrt(3.0));
        weights += weight;
        y[i][h] += weight * v[j][h];
      }
      y[i][h] /= weights;
    }
  }
  return testing::mapped(mixer, "out", y.flatten(1));
}

static at::Tensor with_memory(Mixer& mixer, const at::Tensor& memory, const at::Tensor& x) {
  SequenceState state;
  state.layer(0).rows("across.memory", memory.size(1)).push(memory);
  state.advance(memory.size(1));
  return testing::fed(mixer, x, state);
}

const testing::NameTable kTransformers = {
    {"q.weight", "qkv_net.weight", 0, 3}, {"k.weight", "qkv_net.weight", 1, 3},
    {"v.weight", "qkv_net.weight", 2, 3}, {"r.weight", "r_net.weight"},
    {"out.weight", "o_net.weight"},       {"content_bias", "r_w_bias"},
    {"position_bias", "r_r_bias"},        {"norm.weight", "layer_norm.weight"},
    {"norm.bias", "layer_norm.bias"}};

TEST_CASE("transformer_xl is the definition, with memory, clamped distances and equal lengths",
          "[transformer_xl]") {
  const at::Tensor memory = testing::random({1, 5, 6}, at::kDouble, "memory"),
                   x = testing::random({1, 7, 6}, at::kDouble);
  const auto plain = made(6, {{"heads", count(2)}});
  CHECK(
      at::allclose(with_memory(*plain, memory, x)[0], by_definition(*plain, memory[0], x[0], {}), 0, 1e-12));
  CHECK(at::allclose(plain->forward(x, {})[0], by_definition(*plain, memory[0].narrow(0, 0, 0), x[0], {}), 0,
                     1e-12));
  const auto clamped = made(6, {{"heads", count(2)}, {"clamp_length", count(4)}});
  CHECK(at::allclose(with_memory(*clamped, memory, x)[0],
                     by_definition(*clamped, memory[0], x[0], {.clamp = 4}), 0, 1e-12));
  const auto equal = made(6, {{"heads", count(2)}, {"memory", count(5)}, {"same_length", Node(true)}});
  CHECK(at::allclose(with_memory(*equal, memory, x)[0], by_definition(*equal, memory[0], x[0], {.sees = 5}),
                     0, 1e-12));
}

TEST_CASE("without positions transformer_xl is attention", "[transformer_xl]") {
  const auto mixer = made(8);
  Initializer first(plain_generator(3));
  const auto exact = testing::make_part<Mixer>("softmax_attention", {.width = 8, .initializer = &first},
                                               {{"bias", Node(false)}});
  exact->to(at::kDouble);
  for (const auto& parameter : exact->named_parameters())
    testing::set_parameter(*mixer, parameter.key(), parameter.value());
  testing::set_parameter(*mixer, "r.weight", at::zeros({8, 8}, at::kDouble));
  testing::set_parameter(*mixer, "content_bias", at::zeros({4, 2}, at::kDouble));
  const at::Tensor x = testing::random({2, 9, 8}, at::kDouble), keep = at::ones({2, 9}, at::kBool);
  keep[1].narrow(0, 6, 3).fill_(false);
  CHECK(at::allclose(mixer->forward(x, {.keep_BL = keep}), exact->forward(x, {.keep_BL = keep}), 0, 1e-12));
}

TEST_CASE("segments with a memory of everything are one long pass, and no gradient enters the memory",
          "[transformer_xl]") {
  const auto mixer = made(8);
  const at::Tensor x = testing::random({2, 20, 8}, at::kDouble).requires_grad_();
  SequenceState state;
  const at::Tensor first = testing::fed(*mixer, x.narrow(1, 0, 8), state),
                   second = testing::fed(*mixer, x.narrow(1, 8, 12), state);
  CHECK(at::allclose(at::cat({first, second}, 1), mixer->forward(x, {}), 0, 1e-12));
  second.sum().backward();
  CHECK(at::equal(x.grad().narrow(1, 0, 8), at::zeros({2, 8, 8}, at::kDouble)));
  const auto forgetful = made(8, {{"memory", count(5)}});
  SequenceState few;
  testing::fed(*forgetful, x, few);
  CHECK(at::equal(few.layer(0).rows("across.memory").kept(), x.narrow(1, 15, 5)));
  CHECK(few.bytes() == 2 * forgetful->state_bytes(20, 8));
}

TEST_CASE("the frames are those of the original module", "[transformer_xl]") {
  const at::Tensor x = testing::random({1, 5, 8}, at::kDouble);
  const at::Tensor bare = made(8)->forward(x, {});
  const at::Tensor normed = at::layer_norm(x, {8});
  CHECK(at::allclose(made(8, {{"frame", Node("post_norm")}})->forward(x, {}), at::layer_norm(x + bare, {8}),
                     0, 1e-12));
  CHECK(at::allclose(made(8, {{"frame", Node("pre_norm")}})->forward(x, {}), x + made(8)->forward(normed, {}),
                     0, 1e-12));
}

TEST_CASE("transformer_xl gives the answers of transformers", "[transformer_xl][recorded]") {
  const auto recorded = testing::recorded_mixer("transformer_xl_attention_mem_L12_M9");
  if (!recorded) return;
  CHECK(
      at::allclose(sinusoids(at::arange(21, at::kFloat).flip(0), 48, "halves"), recorded->at("r"), 0, 1e-6));
  const auto mixer = made(48, {{"heads", count(3)}, {"head_width", count(10)}, {"frame", Node("post_norm")}});
  at::Tensor memory;
  testing::match_recorded(*mixer, *recorded, kTransformers, [&](const at::Tensor& x) {
    const at::Tensor fresh = recorded->at("mems").to(x.scalar_type()).clone().requires_grad_();
    if (!memory.defined()) memory = fresh;
    return with_memory(*mixer, fresh, x);
  });
  CHECK(testing::relative_rms(memory.grad(), recorded->at("gx/mems")) < 1e-4);
}

TEST_CASE("transformer_xl refuses to look ahead, odd widths and a memory that does not fit",
          "[transformer_xl]") {
  CHECK_THROWS_WITH(made(8, {}, false), "part.type = transformer_xl: is causal: its distances look back");
  CHECK_THROWS_WITH(made(7, {{"heads", count(1)}}),
                    "part.type = transformer_xl: needs an even width for its sinusoids, here 7");
  CHECK_THROWS_WITH(
      with_memory(*made(8), at::zeros({2, 3, 8}, at::kDouble), at::zeros({1, 3, 8}, at::kDouble)),
      "transformer_xl: x: expected [2, *, 8], got [1, 3, 8]");
}

}  // namespace transformer_xl_test
