// Exact attention in plain tensor operations: the oracle for every approximation and every fused kernel.
//   y = softmax(q kᵀ / sqrt(K) + M) v,   M = -inf above the diagonal (causal) and at padded keys
// Shapes  B batch, L length, D model width, H query heads, G key and value heads, R = H/G, K head width
// Cost    4 L D H K (1 + G/H) + 4 L² H K flops, L² H values of memory; decoding state 2 L G K values
// Source  Vaswani et al. 2017, 1706.03762; RoPE 2104.09864; grouped queries 2305.13245
#include <ATen/ops/_safe_softmax.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/softmax.h>

#include <cmath>

#include "models/layers/attention_heads.h"
#include "models/mixer.h"

namespace subband::mixers::softmax_attention {

struct Config {
  AttentionFields attention;

  void bind(Binder& b, const MixerContext& c) { attention.bind(b, c); }
};

class SoftmaxAttention final : public Mixer {
 public:
  SoftmaxAttention(const Config& config, const MixerContext& context)
      : heads_(*this, config.attention, context), mask_(context.causal) {}

  at::Tensor forward(const at::Tensor& x_BLD, const at::Tensor& keep_BL) override {
    const Heads heads = heads_.split("softmax_attention", x_BLD, keep_BL);
    const int64_t B = x_BLD.size(0), L = x_BLD.size(1), K = heads_.head_width(), G = heads_.groups();
    const int64_t R = heads_.heads() / G;
    // The R query heads of a group stand below each other, so keys and values are never repeated.
    const at::Tensor q =
        heads.q_BLHK.unflatten(2, {G, R}).permute({0, 2, 3, 1, 4}).reshape({B * G, R * L, K});
    const at::Tensor k = heads.k_BLGK.transpose(1, 2).reshape({B * G, L, K});
    const at::Tensor v = heads.v_BLGK.transpose(1, 2).reshape({B * G, L, K});
    const at::Tensor weights = attend(q, k, mask_.of(q, L, keep_BL), keep_BL.defined());
    const at::Tensor y = at::bmm(weights.to(v.scalar_type()), v);
    return heads_.merge(y.reshape({B, G, R, L, K}).permute({0, 3, 1, 2, 4}).flatten(2, 3));
  }
  int64_t state_bytes(int64_t length, int64_t bytes_per_value) const override {
    return heads_.state_bytes(length, bytes_per_value);
  }
  double flops(int64_t length) const override { return heads_.flops(length); }

 private:
  // A row that sees no key at all gives zeros, not NaN; only padding can bring that about.
  at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& mask, bool padded) const {
    const double scale = 1 / std::sqrt(static_cast<double>(q.size(2)));
    const at::Tensor k_turned = k.transpose(1, 2);
    const at::Tensor scores = mask.defined() ? at::baddbmm(tiled(mask, q, k), q, k_turned, 1, scale)
                                             : at::bmm(q.mul(scale), k_turned);
    const at::ScalarType wide = scores.element_size() < 4 ? at::kFloat : scores.scalar_type();
    return padded ? at::_safe_softmax(scores, -1, wide) : at::softmax(scores, -1, wide);
  }

  // [L,L] or [B,1,L,L] -> broadcastable to [B G, R L, L]
  at::Tensor tiled(const at::Tensor& mask, const at::Tensor& q, const at::Tensor& k) const {
    const int64_t L = k.size(1), R = q.size(1) / L, G = heads_.groups(), B = q.size(0) / G;
    if (mask.dim() == 2) return R == 1 ? mask : mask.repeat({R, 1});
    return mask.unsqueeze(1).expand({B, G, R, L, L}).reshape({B * G, R * L, L});
  }

  AttentionHeads heads_;
  AttentionMask mask_;
};

void add_to(MixerRegistry& r);
void add_to(MixerRegistry& r) {
  r.add<SoftmaxAttention, Config>({.name = "softmax_attention",
                                   .summary = "exact attention in plain operations",
                                   .source = "Vaswani et al. 2017, arXiv 1706.03762",
                                   .cost = "8 L D^2 + 4 L^2 D flops, L^2 H memory, state 2 L G K"});
}

}  // namespace subband::mixers::softmax_attention
