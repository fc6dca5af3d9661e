// Exact attention in plain tensor operations: the oracle for every approximation and every fused kernel.
//   y = softmax(q kᵀ / sqrt(K) + M) v,   M = -inf above the diagonal (causal) and at padded keys
// Shapes  B batch, L length, D model width, H query heads, G key and value heads, R = H/G,
//         K head width, V of values
// Cost    2 L D (H + G)(K + V) + 2 L² H (K + V) flops, L² H values of memory;
//         decoding state L G (K + V) values
// Source  Vaswani et al. 2017, 1706.03762; RoPE 2104.09864; grouped queries 2305.13245
#include <ATen/ops/_safe_softmax.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/softmax.h>

#include <cmath>

#include "core/ops/sequence/token_attention.h"
#include "models/layers/attention/attention_heads.h"
#include "models/layers/padding.h"
#include "models/mixer.h"

namespace subband::mixers::softmax_attention {

struct Config {
  AttentionFields attention;
  std::optional<double> scale;

  void bind(Binder& b, const MixerContext& c) {
    attention.bind(b, c);
    b.field("scale", scale, {0, 1e6, true}, "multiplies q kᵀ; null: 1 / sqrt(head_width)");
  }
};

class SoftmaxAttention final : public Mixer {
 public:
  SoftmaxAttention(const Config& config, const MixerContext& context)
      : heads_(*this, config.attention, context),
        causal_(context.causal),
        scale_(config.scale.value_or(1 / std::sqrt(static_cast<double>(heads_.head_width())))),
        mask_(context.causal) {}

  at::Tensor forward(const at::Tensor& x_BLD, const Pass& pass) override {
    if (!causal_) refuse_state("softmax_attention", pass);
    return mix(heads_.extend("softmax_attention", x_BLD, pass), pass.keep_BL);
  }
  bool can_continue() const override { return causal_; }
  int64_t state_bytes(int64_t length, int64_t bytes_per_value) const override {
    return heads_.state_bytes(length, bytes_per_value);
  }
  double flops(int64_t length) const override { return heads_.flops(length); }

 private:
  // A memory adds keys and values before those of this input, so that the queries are the last of them.
  at::Tensor mix(const Heads& heads, const at::Tensor& keep_BL) {
    const at::Tensor &all_q = heads.q_BLHK, all_k = masked(heads.k_BLGK, keep_BL),
                     all_v = masked(heads.v_BLGV, keep_BL);
    const int64_t B = all_q.size(0), L = all_q.size(1), T = all_k.size(1), K = heads_.head_width();
    const int64_t G = heads_.groups(), R = heads_.heads() / G, V = heads_.value_width();
    if (L == 1 && T > 1 && !keep_BL.defined()) {  // a token behind others
      const at::Tensor y = token_attention(all_q.squeeze(1).unflatten(1, {G, R}), all_k.transpose(1, 2),
                                           all_v.transpose(1, 2), scale_);
      return heads_.merge(y.flatten(1, 2).unsqueeze(1));
    }
    // The R query heads of a group stand below each other, so keys and values are never repeated.
    const at::Tensor q = all_q.unflatten(2, {G, R}).permute({0, 2, 3, 1, 4}).reshape({B * G, R * L, K});
    const at::Tensor k = all_k.transpose(1, 2).reshape({B * G, T, K});
    const at::Tensor v = all_v.transpose(1, 2).reshape({B * G, T, V});
    at::Tensor mask;  // the last token sees all keys
    if (L > 1 || keep_BL.defined()) mask = mask_.of(q, L, keep_BL, T - L);
    if (mask.defined()) mask = tiled(mask, B, R);
    const at::Tensor y = at::bmm(weights(q, k, mask, keep_BL.defined()).to(v.scalar_type()), v);
    return heads_.merge(y.reshape({B, G, R, L, V}).permute({0, 3, 1, 2, 4}).flatten(2, 3));
  }

  // A row that sees no key at all gives zeros, not NaN; only padding can bring that about.
  at::Tensor weights(const at::Tensor& q, const at::Tensor& k, const at::Tensor& mask, bool padded) const {
    const at::Tensor k_turned = k.transpose(1, 2);
    const at::Tensor scores =
        mask.defined() ? at::baddbmm(mask, q, k_turned, 1, scale_) : at::bmm(q.mul(scale_), k_turned);
    const at::ScalarType wide = scores.element_size() < 4 ? at::kFloat : scores.scalar_type();
    return padded ? at::_safe_softmax(scores, -1, wide) : at::softmax(scores, -1, wide);
  }

  // [L,T] or [B,1,L,T] -> broadcastable to [B G, R L, T]
  at::Tensor tiled(const at::Tensor& mask, int64_t B, int64_t R) const {
    if (mask.dim() == 2) return R == 1 ? mask : mask.repeat({R, 1});
    const int64_t G = heads_.groups(), L = mask.size(2), T = mask.size(3);
    return mask.unsqueeze(1).expand({B, G, R, L, T}).reshape({B * G, R * L, T});
  }

  AttentionHeads heads_;
  bool causal_;
  double scale_;
  AttentionMask mask_;
};

void add_to(MixerRegistry& r) {
  r.add<SoftmaxAttention, Config>({.name = "softmax_attention",
                                   .summary = "exact attention in plain operations",
                                   .source = "Vaswani et al. 2017, arXiv 1706.03762",
                                   .cost = "8 L D^2 + 4 L^2 D flops, L^2 H memory, state L G (K + V)"});
}

}  // namespace subband::mixers::softmax_attention
