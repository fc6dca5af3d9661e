#include <torch/torch.h>

#include <limits>
#include <vector>

#include "core/testing/catch.h"
#include "models/mixer.h"
#include "models/testing/parts.h"

using namespace subband;
using config::Node;

namespace softmax_attention_test {

constexpr const char* kBoth[] = {"softmax_attention", "flash_attention"};

static at::Tensor parameter(const torch::nn::Module& module, const char* name) {
  return module.named_parameters()[name].detach();
}

// The definition for one sequence in scalar loops: heads are consecutive slices, head h reads group h G / H.
static at::Tensor by_definition(const torch::nn::Module& mixer, const at::Tensor& x_LD, int64_t heads,
                                int64_t groups, bool causal, const std::vector<bool>& keep) {
  const auto project = [&](const char* name) {
    return at::linear(x_LD, parameter(mixer, (std::string(name) + ".weight").c_str()),
                      parameter(mixer, (std::string(name) + ".bias").c_str()));
  };
  const at::Tensor q_all = project("q"), k_all = project("k"), v_all = project("v");
  const auto q = q_all.accessor<double, 2>(), k = k_all.accessor<double, 2>(),
             v = v_all.accessor<double, 2>();
  const int64_t L = x_LD.size(0), K = q_all.size(1) / heads;
  at::Tensor y_all = at::zeros_like(q_all);
  auto y = y_all.accessor<double, 2>();
  for (int64_t h = 0; h < heads; ++h) {
    const int64_t g = h / (heads / groups);
    for (int64_t i = 0; i < L; ++i) {
      std::vector<double> weight(static_cast<size_t>(L), 0);
      double sum = 0;
      for (int64_t j = 0; j < L; ++j) {
        if ((causal && j > i) || !keep[static_cast<size_t>(j)]) continue;
        double score = 0;
        for (int64_t c = 0; c < K; ++c) score += q[i][h * K + c] * k[j][g * K + c];
        sum += weight[static_cast<size_t>(j)] = std::exp(score / std::sqrt(static_cast<double>(K)));
      }
      for (int64_t j = 0; sum > 0 && j < L; ++j) {
        for (int64_t c = 0; c < K; ++c)
          y[i][h * K + c] += weight[static_cast<size_t>(j)] / sum * v[j][g * K + c];
      }
    }
  }
  return at::linear(y_all, parameter(mixer, "out.weight"), parameter(mixer, "out.bias"));
}

static std::shared_ptr<Mixer> attention(const char* type, MixerContext context, Initializer first,
                                        std::initializer_list<std::pair<const char*, Node>> fields) {
  context.initializer = &first;
  const auto mixer = testing::make_part<Mixer>(type, context, fields);
  mixer->to(at::kDouble);
  return mixer;
}

static Initializer seeded() { return Initializer(plain_generator(3)); }

// Compares with a recorded answer in fp32 and in fp64, forward and gradient of the input.
static void match(const std::shared_ptr<Mixer>& mixer, const Tensors& recorded) {
  const at::Tensor keep = recorded.contains("keep") ? recorded.at("keep") : at::Tensor();
  const at::Tensor rows =
      keep.defined() ? keep : at::ones({recorded.at("x").size(0), recorded.at("x").size(1)}, at::kBool);
  mixer->to(at::kFloat);
  const at::Tensor x = recorded.at("x").clone().requires_grad_();
  const at::Tensor y = mixer->forward(x, {.keep_BL = keep});
  CHECK(testing::relative_rms(y.index({rows}), recorded.at("y").index({rows})) < 1e-5);
  (y * recorded.at("c")).sum().backward();
  CHECK(testing::relative_rms(x.grad(), recorded.at("gx")) < 1e-4);
  mixer->to(at::kDouble);
  const at::Tensor y64 = mixer->forward(recorded.at("x").to(at::kDouble), {.keep_BL = keep});
  CHECK(testing::relative_rms(y64.index({rows}), recorded.at("y64").index({rows})) < 1e-6);
}

}  // namespace softmax_attention_test

using namespace softmax_attention_test;

TEST_CASE("attention of both kinds is the definition, with grouped heads, causal or not, padded or not",
          "[attention]") {
  for (const char* type : kBoth) {
    for (const bool causal : {true, false}) {
      for (const int64_t groups : {1, 2, 4}) {
        CAPTURE(type, causal, groups);
        const auto mixer =
            attention(type, {.width = 12, .causal = causal}, seeded(), {{"kv_heads", Node(groups)}});
        const at::Tensor x = testing::random({2, 7, 12}, at::kDouble);
        const at::Tensor keep = at::ones({2, 7}, at::kBool);
        keep[1].narrow(0, 4, 3).fill_(false);
        const at::Tensor y = mixer->forward(x, {.keep_BL = keep});
        const std::vector<bool> all(7, true), some = {true, true, true, true, false, false, false};
        CHECK(at::allclose(y[0], by_definition(*mixer, x[0], 4, groups, causal, all), 0, 1e-12));
        CHECK(at::allclose(y[1], by_definition(*mixer, x[1], 4, groups, causal, some), 0, 1e-12));
        CHECK(at::allclose(mixer->forward(x, {})[1], by_definition(*mixer, x[1], 4, groups, causal, all), 0,
                           1e-12));
      }
    }
  }
}

TEST_CASE("a sequence without any real token gives the bias of `out` and no gradient", "[attention]") {
  for (const char* type : kBoth) {
    CAPTURE(type);
    const auto mixer = attention(type, {.width = 8, .causal = false}, seeded(), {});
    const at::Tensor x = testing::random({2, 5, 8}, at::kDouble).requires_grad_();
    const at::Tensor keep = at::ones({2, 5}, at::kBool);
    keep[1].fill_(false);
    const at::Tensor y = mixer->forward(x, {.keep_BL = keep});
    CHECK(at::equal(y[1], parameter(*mixer, "out.bias").expand({5, 8})));
    y.sum().backward();
    CHECK(at::equal(x.grad()[1], at::zeros({5, 8}, at::kDouble)));
    CHECK(x.grad()[0].abs().sum().item<double>() > 0);
  }
}

TEST_CASE("without positions the order of tokens does not matter", "[attention]") {
  const auto mixer = attention("softmax_attention", {.width = 8, .causal = false}, seeded(), {});
  const at::Tensor x = testing::random({1, 6, 8}, at::kDouble), order = at::tensor({3, 1, 5, 0, 4, 2});
  CHECK(at::allclose(mixer->forward(x.index_select(1, order), {}),
                     mixer->forward(x, {}).index_select(1, order), 0, 1e-13));
}

TEST_CASE("attention refuses wrong shapes and specs with the whole reason", "[attention]") {
  Initializer first = seeded();
  const MixerContext context{.width = 10, .initializer = &first};
  CHECK_THROWS_WITH(testing::make_part<Mixer>("softmax_attention", context),
                    "part.heads = 4: must divide width = 10, or head_width be given");
  CHECK_THROWS_WITH(testing::make_part<Mixer>("softmax_attention", context,
                                              {{"heads", Node(int64_t{2})}, {"rope", Node("half")}}),
                    "part.rope = half: must be none for an odd head width, here 5");
  const auto mixer = testing::make_part<Mixer>("softmax_attention", context, {{"heads", Node(int64_t{2})}});
  CHECK_THROWS_WITH(mixer->forward(at::zeros({2, 16, 32}), {}),
                    "softmax_attention: x: expected [*, *, 10], got [2, 16, 32]");
  CHECK_THROWS_WITH(mixer->forward(at::zeros({2, 16, 10}), {.keep_BL = at::ones({2, 15}, at::kBool)}),
                    "softmax_attention: keep: expected [2, 16], got [2, 15]");
}

TEST_CASE("a forced kernel that cannot serve is refused, never replaced", "[attention]") {
  Initializer first = seeded();
  const MixerContext context{.width = 8, .initializer = &first};
  const auto mixer = testing::make_part<Mixer>("flash_attention", context, {{"backend", Node("cudnn")}});
  CHECK(mixer->path() == "sdpa_cudnn");
  CHECK_THROWS_WITH(mixer->forward(at::zeros({1, 3, 8}), {}),
                    "flash_attention: backend = cudnn: runs on cuda, x is on cpu");
  const bool flash_before = at::globalContext().userEnabledFlashSDP();
  const auto on_cpu = testing::make_part<Mixer>("flash_attention", context);
  on_cpu->forward(at::zeros({1, 3, 8}), {});
  CHECK(on_cpu->path() == "sdpa_cpu_flash (LibTorch: flash)");
  CHECK(at::globalContext().userEnabledFlashSDP() == flash_before);
  const auto math = testing::make_part<Mixer>("flash_attention", context, {{"backend", Node("math")}});
  math->forward(at::zeros({1, 3, 8}), {});
  CHECK(math->path() == "sdpa_math (LibTorch: math)");
}

TEST_CASE("the decoding state is the keys and values", "[attention]") {
  const auto mixer =
      attention("softmax_attention", {.width = 64}, seeded(), {{"kv_heads", Node(int64_t{2})}});
  CHECK(mixer->state_bytes(1000, 2) == 2 * 1000 * 2 * 16 * 2);
}

TEST_CASE("attention gives PyTorch's multi-head answer", "[attention][recorded]") {
  const auto recorded = testing::recorded("mixers/mha_torch_causal_pad_L29");
  if (!recorded) return;
  for (const char* type : kBoth) {
    CAPTURE(type);
    const auto mixer = attention(type, {.width = 48}, seeded(), {{"heads", Node(int64_t{6})}});
    const auto weights = recorded->at("w/in_proj_weight").chunk(3),
               biases = recorded->at("w/in_proj_bias").chunk(3);
    for (size_t i = 0; i < 3; ++i) {
      const std::string name = std::string(1, "qkv"[i]);
      testing::set_parameter(*mixer, name + ".weight", weights[i]);
      testing::set_parameter(*mixer, name + ".bias", biases[i]);
    }
    testing::set_parameter(*mixer, "out.weight", recorded->at("w/out_proj.weight"));
    testing::set_parameter(*mixer, "out.bias", recorded->at("w/out_proj.bias"));
    match(mixer, *recorded);
  }
}

TEST_CASE("attention gives LLaMA's answer: grouped heads, rotary halves, a head width of its own",
          "[attention][recorded]") {
  const auto recorded = testing::recorded("mixers/llama_attention_gqa_pad_L31");
  if (!recorded) return;
  for (const char* type : kBoth) {
    CAPTURE(type);
    const auto mixer = attention(type, {.width = 40}, seeded(),
                                 {{"heads", Node(int64_t{4})},
                                  {"kv_heads", Node(int64_t{2})},
                                  {"bias", Node(false)},
                                  {"head_width", Node(int64_t{16})},
                                  {"rope", Node("half")},
                                  {"rope_base", Node(500000.0)}});
    for (const char* name : {"q", "k", "v"}) {
      testing::set_parameter(*mixer, std::string(name) + ".weight",
                             recorded->at("w/" + std::string(name) + "_proj.weight"));
    }
    testing::set_parameter(*mixer, "out.weight", recorded->at("w/o_proj.weight"));
    match(mixer, *recorded);
  }
}

TEST_CASE("attention gives GPT-2's answer", "[attention][recorded]") {
  const auto recorded = testing::recorded("mixers/gpt2_attention_L17");
  if (!recorded) return;
  for (const char* type : kBoth) {
    CAPTURE(type);
    const auto mixer = attention(type, {.width = 48}, seeded(), {});
    const auto weights = recorded->at("w/c_attn.weight").t().chunk(3),
               biases = recorded->at("w/c_attn.bias").chunk(3);
    for (size_t i = 0; i < 3; ++i) {
      const std::string name = std::string(1, "qkv"[i]);
      testing::set_parameter(*mixer, name + ".weight", weights[i]);
      testing::set_parameter(*mixer, name + ".bias", biases[i]);
    }
    testing::set_parameter(*mixer, "out.weight", recorded->at("w/c_proj.weight").t());
    testing::set_parameter(*mixer, "out.bias", recorded->at("w/c_proj.bias"));
    match(mixer, *recorded);
  }
}
