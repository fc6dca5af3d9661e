// Attention whose weights are products of positive features, so that a state of fixed size replaces all keys.
//   y_i = φ(q_i)ᵀ S_i / (φ(q_i)ᵀ z_i + ε),  S_i = Σ_j φ(k_j) v_jᵀ,  z_i = Σ_j φ(k_j),  φ(x) = elu(x) + 1
//   j over all real tokens, or j <= i where causal; no 1 / sqrt(K) anywhere
// Shapes  B batch, L length, D model width, H query heads, G key and value heads, K head width, V of values,
//         C chunk
// Cost    2 L D (H + G)(K + V) + 2 L H (C (K + V + 1) + 2 K (V + 1)) flops; decoding state G K (V + 1) values
// Source  Katharopoulos et al. 2020, 2006.16236, sections 3.2 and 3.3
#include <ATen/TensorOperators.h>
#include <ATen/ops/elu.h>
#include <ATen/ops/relu.h>

#include "core/ops/recurrence/weighted_mean.h"
#include "models/layers/attention/attention_heads.h"
#include "models/layers/attention/kernel_sums.h"
#include "models/layers/padding.h"
#include "models/mixer.h"

namespace subband::mixers::linear_attention {

struct Config {
  AttentionFields attention;
  std::string feature_map = "elu";
  std::optional<double> scale;
  bool normalized = true;
  double epsilon = 1e-6;
  int64_t chunk = 64;

  void bind(Binder& b, const MixerContext& c) {
    attention.bind(b, c);
    b.choice("feature_map", feature_map, {"elu", "relu", "identity"},
             "φ of queries and keys: elu(x) + 1, relu(x), or x");
    b.field("scale", scale, {0, 1e6, true}, "multiplies φ(q); null: 1, which only ε and `normalized` notice");
    b.field("normalized", normalized, "divides by the sum of the weights");
    b.field("epsilon", epsilon, {0, 1}, "ε, added to that sum");
    b.field("chunk", chunk, {1, 65536},
            "C, tokens of a chunk of the causal form; changes speed, not answers");
  }
};

class LinearAttention final : public Mixer {
 public:
  LinearAttention(const Config& config, const MixerContext& context)
      : config_(config), causal_(context.causal), heads_(*this, config.attention, context) {}

  at::Tensor forward(const at::Tensor& x_BLD, const Pass& pass) override {
    if (!causal_) refuse_state("linear_attention", pass);
    const KernelFeatures features = features_of(heads_.split("linear_attention", x_BLD, pass), pass.keep_BL);
    if (!causal_) return merged(kernel_sums(features), x_BLD);
    LayerState* memory = pass.memory();
    at::Tensor state = memory ? memory->value("sums") : at::Tensor();
    const at::Tensor sums = causal_kernel_sums(features, config_.chunk, state);
    if (memory) memory->put("sums", state);
    return merged(sums, x_BLD);
  }
  bool can_continue() const override { return causal_; }
  int64_t state_bytes(int64_t, int64_t bytes_per_value) const override {
    return causal_ ? heads_.groups() * heads_.head_width() * (heads_.value_width() + 1) * sum_bytes(bytes_per_value) : 0;
  }
  double flops(int64_t length) const override {
    const KernelSizes sizes{heads_.heads(), heads_.groups(), heads_.head_width(), heads_.value_width()};
    return heads_.maps_flops(length) + (causal_ ? causal_kernel_sums_flops(sizes, length, config_.chunk)
                                                : kernel_sums_flops(sizes, length));
  }

 private:
  at::Tensor mapped(const at::Tensor& x) const {
    // The sums saturate in half precision, so everything between the linear maps is fp32 there.
    const at::Tensor wide = x.element_size() < 4 ? x.to(at::kFloat) : x;
    if (config_.feature_map == "elu") return at::elu(wide).add(1);
    return config_.feature_map == "relu" ? at::relu(wide) : wide;
  }
  KernelFeatures features_of(const Heads& heads, const at::Tensor& keep_BL) const {
    const at::Tensor queries = mapped(heads.q_BLHK);
    return {config_.scale ? queries.mul(*config_.scale) : queries, masked(mapped(heads.k_BLGK), keep_BL),
            masked(heads.v_BLGV, keep_BL)};
  }
  at::Tensor merged(const at::Tensor& sums, const at::Tensor& x_BLD) const {
    const at::Tensor y = config_.normalized ? weighted_mean(sums, {.epsilon = config_.epsilon})
                                            : sums.narrow(-1, 0, heads_.value_width());
    return heads_.merge(y.to(x_BLD.scalar_type()));
  }

  Config config_;
  bool causal_;
  AttentionHeads heads_;
};

void add_to(MixerRegistry& r) {
  r.add<LinearAttention, Config>(
      {.name = "linear_attention",
       .summary = "attention by products of features elu(x) + 1, with a state of fixed size",
       .source = "Katharopoulos et al. 2020, arXiv 2006.16236",
       .cost = "8 L D^2 + 2 L H (C (K + V) + 2 K V) flops, state G K (V + 1)",
       .version = 2});
}

}  // namespace subband::mixers::linear_attention
