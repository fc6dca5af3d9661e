// Attention to k slots, each a learned sum over all positions: linear in the length, and not causal.
//   K̃ = Eᵀ k, Ṽ = Fᵀ v,  y = softmax(q K̃ᵀ / sqrt(K)) Ṽ,  E, F [L_max,k], their first L rows where L < L_max
// No mask on the L x k scores takes the future out of a slot, so `causal` is refused; linformer_block_causal
// compresses past blocks alone. Padded keys and values add zero to their slots.
// Shapes  B batch, L length, D model width, H query heads, G key and value heads, K head width, V of values,
//         S slots
// Cost    2 L D (H + G)(K + V) + 2 L S (G + H)(K + V) flops, L S H values of memory
// Source  Wang et al. 2020, 2006.04768, section 4; package: linformer 0.2.3
#include <ATen/ATen.h>

#include <cmath>

#include "core/error.h"
#include "models/layers/attention/attention_heads.h"
#include "models/layers/padding.h"
#include "models/mixer.h"

namespace subband::mixers::linformer {

struct Config {
  AttentionFields attention;
  int64_t slots = 256;
  std::optional<int64_t> length;
  bool share_kv = false;
  bool share_projection = false;
  bool projection_per_head = false;
  std::optional<double> scale;

  void bind(Binder& b, const MixerContext& c) {
    attention.bind(b, c);
    b.field("slots", slots, {1, 1 << 20}, "k, what all positions are compressed to");
    b.field("length", length, {1, 1 << 30}, "L_max, rows of the projections; null: the net's longest window");
    b.field("share_kv", share_kv, "the values are the keys, as they are before rotary positions, and F is E");
    b.field("share_projection", share_projection, "F is E");
    b.field("projection_per_head", projection_per_head, "every head has projections of its own");
    b.field("scale", scale, {0, 1e6, true}, "multiplies q K̃ᵀ; null: 1 / sqrt(head_width)");
    b.check(!c.causal, "type",
            "has no causal form: a slot sums over all positions; linformer_block_causal has one");
  }
};

class Linformer final : public Mixer {
 public:
  Linformer(const Config& config, const MixerContext& context)
      : heads_(*this, config.attention, context, {.values = !config.share_kv}),
        slots_(config.slots),
        length_(config.length.value_or(context.length)),
        scale_(config.scale.value_or(1 / std::sqrt(static_cast<double>(heads_.head_width())))) {
    const auto drawn = [&] {
      const double bound = 1 / std::sqrt(static_cast<double>(slots_));
      if (!config.projection_per_head) return context.initializer->uniform({length_, slots_}, -bound, bound);
      return context.initializer->uniform({heads_.groups(), length_, slots_}, -bound, bound);
    };
    key_projection_ = add_parameter("key_projection", drawn(), {.role = Role::compression});
    const bool one = config.share_kv || config.share_projection;
    value_projection_ =
        one ? key_projection_ : add_parameter("value_projection", drawn(), {.role = Role::compression});
  }

  at::Tensor forward(const at::Tensor& x_BLD, const Pass& pass) override {
    refuse_state("linformer", pass);
    const at::Tensor& keep_BL = pass.keep_BL;
    const Heads heads = heads_.split("linformer", x_BLD, pass);
    const int64_t L = x_BLD.size(1), R = heads_.heads() / heads_.groups();
    if (L > length_) {
      throw ShapeError("linformer", "length of x = " + std::to_string(L) + ": must be at most " +
                                        std::to_string(length_) + ", the rows of the projections");
    }
    const at::Tensor k = compressed(masked(heads.k_BLGK, keep_BL), key_projection_);
    const at::Tensor v = compressed(masked(heads.v_BLGV, keep_BL), value_projection_);
    const at::Tensor q = heads.q_BLHK.unflatten(2, {heads_.groups(), R}).permute({0, 2, 3, 1, 4});
    const at::Tensor scores = at::matmul(q, k.transpose(-1, -2).unsqueeze(2)).mul(scale_);
    const at::ScalarType wide = scores.element_size() < 4 ? at::kFloat : scores.scalar_type();
    const at::Tensor weights = at::softmax(scores, -1, wide).to(v.scalar_type());
    return heads_.merge(at::matmul(weights, v.unsqueeze(2)).permute({0, 3, 1, 2, 4}).flatten(2, 3));
  }
  int64_t state_bytes(int64_t, int64_t) const override { return 0; }
  double flops(int64_t length) const override {
    const int64_t rows = heads_.heads() + heads_.groups(),
                  channels = heads_.head_width() + heads_.value_width();
    return heads_.maps_flops(length) +
           2 * static_cast<double>(length) * static_cast<double>(slots_ * rows * channels);
  }

 private:
  // [B,L,G,X] by [L_max,S] or [G,L_max,S] -> [B,G,S,X]
  static at::Tensor compressed(const at::Tensor& x_BLGX, const at::Tensor& projection) {
    const at::Tensor used = projection.narrow(-2, 0, x_BLGX.size(1)).transpose(-1, -2);
    return at::matmul(used, x_BLGX.transpose(1, 2));
  }

  AttentionHeads heads_;
  int64_t slots_, length_;
  double scale_;
  at::Tensor key_projection_, value_projection_;
};

void add_to(MixerRegistry& r) {
  r.add<Linformer, Config>({.name = "linformer",
                            .summary = "attention to k learned sums over all positions; not causal",
                            .source = "Wang et al. 2020, arXiv 2006.04768",
                            .cost = "8 L D^2 + 4 L S D flops and as much for compressing, L S H memory"});
}

}  // namespace subband::mixers::linformer
