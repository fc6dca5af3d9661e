#include "analysis/bench/op_cases.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/ops/features/gated_haar.h"
#include "core/ops/features/random_features.h"
#include "core/ops/hadamard/biased_fwht.h"
#include "core/ops/hadamard/fwht.h"
#include "core/ops/lifting/gated_product.h"
#include "core/ops/lifting/gelu_network.h"
#include "core/ops/lifting/lifting.h"
#include "core/ops/memory/product_key_lookup.h"
#include "core/ops/norms/residual_norm.h"
#include "core/ops/optimizer/clipped_update.h"
#include "core/ops/products/linear.h"
#include "core/ops/products/linear_cross_entropy.h"
#include "core/ops/products/packed_product.h"
#include "core/ops/recurrence/chunk_state.h"
#include "core/ops/recurrence/gated_norm.h"
#include "core/ops/recurrence/weighted_mean.h"
#include "core/ops/sequence/causal_filter.h"
#include "core/ops/sequence/gated_scan.h"
#include "core/ops/sequence/rotation.h"
#include "core/ops/sequence/running_mean.h"
#include "core/ops/sequence/token_attention.h"
#include "core/tensors/random.h"

namespace subband {

namespace {

using OpInputs = std::vector<at::Tensor>;

constexpr int64_t kLevels = 5, kTaps = 3, kRank = 8, kOpVocabulary = 256, kExpansion = 4, kHeads = 4;
constexpr int64_t kFeatures = 128, kBands = 3;
constexpr int64_t kSide = 32, kTopK = 8;  // product keys: 1,024 rows

class Cases {
 public:
  explicit Cases(const OpSizes& sizes) : sizes_(sizes) {}

  std::vector<OpCase> all() {
    hadamard();
    lifting();
    products();
    sequences();
    features();
    residuals();
    updates();
    std::ranges::sort(cases_, {}, &OpCase::op);
    return std::move(cases_);
  }

 private:
  at::Tensor drawn(at::IntArrayRef shape, double deviation = 1) {
    return at::empty(shape, at::kFloat).normal_(0, deviation, stream(sizes_.seed, "bench.op", draws_++));
  }
  at::Tensor weight(int64_t out, int64_t in) { return drawn({out, in}, 1 / std::sqrt(static_cast<double>(in))); }
  int64_t positions() const { return sizes_.batch * sizes_.length; }

  void hadamard() {
    const int64_t B = sizes_.batch, L = sizes_.length, C = sizes_.width, S = kLevels + 1;
    const std::string form = fmt::format("{} scales of [{}, {}, {}]", S, B, L, C);
    cases_.push_back({"fwht", form, {drawn({S, B, L, C})},
                      [](const OpInputs& in, std::string_view path) { return fwht(in[0], path); }});
    cases_.push_back({"biased_fwht", form, {drawn({S, B, L, C}), drawn({B, L, C}), drawn({S, C})},
                      [](const OpInputs& in, std::string_view path) { return biased_fwht(in[0], in[1], in[2], path); }});
    cases_.push_back({"scaled_fwht", form, {drawn({S, B, L, C}), drawn({S})},
                      [](const OpInputs& in, std::string_view path) { return scaled_fwht(in[0], in[1], path); }});
  }

  // Weights of the networks of all levels, four tensors each.
  OpInputs networks(int64_t count) {
    OpInputs all;
    const int64_t C = sizes_.width;
    for (int64_t i = 0; i < count; ++i)
      for (const at::Tensor& x : {weight(C, C), drawn({C}), weight(C, C), drawn({C})}) all.push_back(x);
    return all;
  }
  static std::vector<LiftingNetwork> networks_of(const OpInputs& in, size_t first, size_t count) {
    std::vector<LiftingNetwork> all;
    for (size_t i = first; i < first + 4 * count; i += 4) all.push_back({in[i], in[i + 1], in[i + 2], in[i + 3]});
    return all;
  }

  void lifting() {
    const int64_t B = sizes_.batch, L = sizes_.length, C = sizes_.width, S = kLevels + 1;
    constexpr auto kCount = static_cast<size_t>(kLevels);
    OpInputs analysis = networks(2 * kLevels);
    analysis.push_back(drawn({B, L, C})), analysis.push_back(drawn({kLevels, kTaps}).softmax(-1));
    cases_.push_back({"lifting_analysis", fmt::format("[{}, {}, {}], {} levels, {} taps", B, L, C, kLevels, kTaps),
                      analysis, [](const OpInputs& in, std::string_view path) {
                        LiftingPast past{.first = {}, .weights_LK = in.back(), .inputs = nullptr};
                        for (int64_t level = 0; level < kLevels; ++level)
                          past.first.push_back(std::max<int64_t>(1, (int64_t{1} << level) - kTaps / 2));
                        return lifting_analysis(in[in.size() - 2], networks_of(in, 0, kCount),
                                                networks_of(in, 4 * kCount, kCount), past, path);
                      }});
    OpInputs synthesis = networks(kLevels);
    synthesis.push_back(drawn({S, B, L, C}));
    cases_.push_back({"lifting_synthesis", fmt::format("{} scales of [{}, {}, {}]", S, B, L, C), synthesis,
                      [](const OpInputs& in, std::string_view path) {
                        return lifting_synthesis(in.back(), networks_of(in, 0, kCount), path);
                      }});
    OpInputs gated = {drawn({S, positions(), C})};
    for (int64_t s = 0; s < S; ++s)
      for (const at::Tensor& x : {weight(C, C), weight(C, C), drawn({C, kRank}, 0.1), drawn({C, kRank}, 0.1)})
        gated.push_back(x);
    cases_.push_back({"gated_product", fmt::format("{} scales of [{}, {}], rank {}", S, positions(), C, kRank), gated,
                      [](const OpInputs& in, std::string_view path) {
                        std::vector<GatedMatrices> scales;
                        for (size_t i = 1; i < in.size(); i += 4)
                          scales.push_back({in[i], in[i + 1], in[i + 2], in[i + 3], {}});
                        return gated_product(in[0], scales, GateKind::silu, path);
                      }});
    cases_.push_back({"gelu_network", fmt::format("[{}, {}], {} hidden", positions(), C, kExpansion * C),
                      {drawn({positions(), C}), weight(kExpansion * C, C), drawn({kExpansion * C}),
                       weight(C, kExpansion * C), drawn({C})},
                      [](const OpInputs& in, std::string_view path) {
                        return gelu_network(in[0], {in[1], in[2], in[3], in[4]}, path);
                      }});
  }

  void products() {
    const int64_t N = positions(), C = sizes_.width;
    cases_.push_back({"linear", fmt::format("[{}, {}] to {}", N, C, C), {drawn({N, C}), weight(C, C), drawn({C})},
                      [](const OpInputs& in, std::string_view path) { return linear(in[0], in[1], in[2], path); }});
    const at::Tensor targets =
        at::randint(0, kOpVocabulary, {N}, stream(sizes_.seed, "bench.targets"), at::TensorOptions(at::kLong));
    cases_.push_back({"linear_cross_entropy", fmt::format("[{}, {}], {} tokens", N, C, kOpVocabulary),
                      {drawn({N, C}), weight(kOpVocabulary, C)},
                      [targets](const OpInputs& in, std::string_view path) {
                        return linear_cross_entropy(in[0], in[1], targets, path);
                      }});
    cases_.push_back({"product_key_lookup", fmt::format("[{}, {}], {} rows, {} read", N, C, kSide * kSide, kTopK),
                      {drawn({N, 1, C}), drawn({1, kSide, C / 2}), drawn({1, kSide, C / 2}), drawn({kSide * kSide, C})},
                      [](const OpInputs& in, std::string_view path) {
                        return product_key_lookup(in[0], {in[1], in[2], in[3]}, kTopK, path);
                      }});
    const PackedForm form{.rows = 16 * C, .columns = 16 * C, .bits = 4, .group = 128};
    const PackedMatrix matrix = packed_matrix(
        form, at::randint(-8, 8, {form.rows, form.columns}, stream(sizes_.seed, "bench.codes"), at::TensorOptions(at::kChar)),
        drawn({form.rows, form.groups()}).abs(), {});
    cases_.push_back({"packed_product", fmt::format("[1, {}] to {}, {}", form.columns, form.rows, form.text()),
                      {drawn({1, form.columns})},
                      [matrix](const OpInputs& in, std::string_view path) { return packed_product(in[0], matrix, {}, path); },
                      false});
  }

  void sequences() {
    const int64_t B = sizes_.batch, L = sizes_.length, C = sizes_.width;
    const std::string form = fmt::format("[{}, {}, {}]", B, L, C);
    cases_.push_back({"running_mean", form, {drawn({B, L, C})},
                      [](const OpInputs& in, std::string_view path) { return running_mean(in[0], path); }});
    cases_.push_back(
        {"gated_scan",
         form,
         {drawn({B, L, C}).sigmoid(), drawn({B, L, C})},
         [](const OpInputs& in, std::string_view path) { return gated_scan(in[0], in[1], path); }});
    cases_.push_back({"causal_filter", form + fmt::format(", {} taps", kTaps), {drawn({B, L, C}), drawn({kTaps})},
                      [](const OpInputs& in, std::string_view path) { return causal_filter(in[0], in[1], 1, path); }});
    const int64_t K = std::max<int64_t>(1, C / kHeads), T = 16 * L;
    cases_.push_back({"chunk_state",
                      fmt::format("{} heads of {}, [{}, {}]", kHeads, K, B, L),
                      {drawn({B, L, kHeads, K}), drawn({B, L, kHeads, K}), drawn({B, L, kHeads, K})},
                      [](const OpInputs& in, std::string_view path) {
                        return chunk_state({.q_BLHK = in[0], .k_BLGK = in[1], .v_BLGV = in[2]}, path).y_BLHV;
                      }});
    const at::Tensor angles = drawn({L, K / 2});
    cases_.push_back({"rotation",
                      fmt::format("{} heads of {}, [{}, {}]", kHeads, 2 * (K / 2), B, L),
                      {drawn({B, L, kHeads, 2 * (K / 2)})},
                      [cos = angles.cos(), sin = angles.sin()](const OpInputs& in, std::string_view path) {
                        return rotation(in[0], cos, sin, Pairing::half, path);
                      }});
    cases_.push_back({"gated_norm",
                      fmt::format("{} heads of {}, [{}, {}]", kHeads, K, B, L),
                      {drawn({B, L, kHeads, K}), drawn({K}), drawn({B, L, kHeads * K})},
                      [](const OpInputs& in, std::string_view path) {
                        return gated_norm(in[0], in[1], in[2], 1e-5, path);
                      }});
    cases_.push_back({"weighted_mean",
                      fmt::format("{} heads of {}, [{}, {}]", kHeads, K, B, L),
                      {drawn({B, L, kHeads, K + 1}).abs()},
                      [](const OpInputs& in, std::string_view path) {
                        return weighted_mean(in[0], {.epsilon = 1e-6}, path);
                      }});
    cases_.push_back({"token_attention", fmt::format("{} heads of {}, {} keys, batch {}", kHeads, K, T, B),
                      {drawn({B, kHeads, 1, K}), drawn({B, kHeads, T, K}), drawn({B, kHeads, T, K})},
                      [](const OpInputs& in, std::string_view path) {
                        return token_attention(in[0], in[1], in[2], 0.1, path);
                      },
                      false});
  }

  void features() {
    const int64_t B = sizes_.batch, L = sizes_.length, C = sizes_.width, K = std::max<int64_t>(1, C / kHeads);
    cases_.push_back({"gated_haar",
                      fmt::format("[{}, {}, {}], {} bands of GELU", B, L, C, kBands),
                      {drawn({B, L, C}), drawn({B, L, kBands}).sigmoid()},
                      [](const OpInputs& in, std::string_view path) {
                        return gated_haar(in[0], in[1], {.is_causal = true, .f = BandActivation::gelu}, path);
                      }});
    cases_.push_back(
        {"random_features",
         fmt::format("[{}, {}, {}, {}] to {}, of keys so far", B, L, kHeads, K, kFeatures),
         {drawn({B, L, kHeads, K})},
         [rows = drawn({kFeatures, K})](const OpInputs& in, std::string_view path) {
           at::Tensor peak;
           return random_features_so_far(in[0], rows.to(in[0].scalar_type()), 0.5, peak, path).features_BLGM;
         }});
  }

  void residuals() {
    const int64_t B = sizes_.batch, L = sizes_.length, C = sizes_.width;
    const std::string form = fmt::format("[{}, {}, {}]", B, L, C);
    cases_.push_back({"residual_norm",
                      form + ", a factor and a branch",
                      {drawn({B, L, C}), drawn({}), drawn({B, L, C}), drawn({C}), drawn({C})},
                      [](const OpInputs& in, std::string_view path) {
                        return residual_norm({in[0], in[1]}, {{in[2], {}}},
                                             {.weight_C = in[3], .bias_C = in[4]}, path)
                            .normed;
                      }});
    cases_.push_back({"residual_sum",
                      form + ", two branches, three factors",
                      {drawn({B, L, C}), drawn({}), drawn({B, L, C}), drawn({}), drawn({B, L, C}), drawn({})},
                      [](const OpInputs& in, std::string_view path) {
                        return residual_sum({in[0], in[1]}, {{in[2], in[3]}, {in[4], in[5]}}, path);
                      }});
  }

  // Of copies, so that every call starts alike.
  void updates() {
    const int64_t N = 64 * sizes_.width * sizes_.width;
    const UpdateRule rule{.rate = 0.02, .weight_decay = 0.01, .eps = 1e-8, .beta1 = 0.9, .beta2 = 0.999};
    const at::Tensor steps = at::zeros({});
    const auto clip = [](const at::Tensor& gradient) {
      return GradientClip{at::ones({}, gradient.options()), 0.5};
    };
    const std::string form = fmt::format("{} values, copied before", N);
    cases_.push_back(
        {"clipped_adagrad",
         form,
         {drawn({N}), drawn({N}), drawn({N}).abs_()},
         [=](const OpInputs& in, std::string_view path) {
           const at::Tensor p = in[0].clone();
           clipped_adagrad(
               {.parameters = {p}, .gradients = {in[1]}, .first = {in[2].clone()}, .second = {}, .steps = {}},
               rule, clip(in[1]), path);
           return p;
         },
         false});
    cases_.push_back({"clipped_adamw",
                      form,
                      {drawn({N}), drawn({N}), drawn({N}), drawn({N}).abs_()},
                      [=](const OpInputs& in, std::string_view path) {
                        const at::Tensor p = in[0].clone();
                        clipped_adamw({.parameters = {p},
                                       .gradients = {in[1]},
                                       .first = {in[2].clone()},
                                       .second = {in[3].clone()},
                                       .steps = {steps.clone()}},
                                      rule, clip(in[1]), path);
                        return p;
                      },
                      false});
    cases_.push_back(
        {"gradient_norm",
         fmt::format("{} values in 64 tensors", N),
         {drawn({64, N / 64})},
         [](const OpInputs& in, std::string_view path) { return gradient_norm(in[0].unbind(0), path); },
         false});
  }

  OpSizes sizes_;
  uint64_t draws_ = 0;
  std::vector<OpCase> cases_;
};

}  // namespace

std::vector<OpCase> op_cases(const OpSizes& sizes) { return Cases(sizes).all(); }

}  // namespace subband
