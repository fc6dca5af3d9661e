// Linformer for language models: exact causal attention inside a block, past blocks compressed to slots.
//   block n's slots  K̃_n = Eᵀ k_n, Ṽ_n = Fᵀ v_n,  E, F [C,S], the same for all blocks
//   y_i = softmax over the slots of all blocks before i's and the tokens j <= i of i's own block
// A block becomes visible as slots only when it is complete, so no slot holds a token's future. This is not
// the mixer of the Linformer paper, which has no causal form.
// Shapes  B batch, L length, D model width, H query heads, G key and value heads, K head width, V of values,
//         C tokens of a block, S slots of a block, N blocks
// Cost    2 L D (H + G)(K + V) + 2 N C (G S + H (N S + C)) (K + V) flops, L H (N S + C) values of memory;
//         decoding state G (K + V) ((t / C) S + t mod C) values
// Source  Wang et al. 2020, 2006.04768, with the blocks of Long-Short Transformer, 2107.02192
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/tensors/expect.h"
#include "models/layers/attention/attention_heads.h"
#include "models/layers/padding.h"
#include "models/mixer.h"

namespace subband::mixers::linformer_block_causal {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

struct Config {
  AttentionFields attention;
  int64_t block = 64;
  int64_t slots = 16;
  bool share_projection = false;
  std::optional<double> scale;

  void bind(Binder& b, const MixerContext& c) {
    attention.bind(b, c);
    b.field("block", block, {1, 1 << 20}, "C, tokens that see each other exactly");
    b.field("slots", slots, {1, 1 << 20}, "S, what a past block is compressed to");
    b.field("share_projection", share_projection, "F is E");
    b.field("scale", scale, {0, 1e6, true}, "multiplies q kᵀ; null: 1 / sqrt(head_width)");
    b.check(slots <= block, "slots", "must be at most block = " + std::to_string(block));
    b.check(c.causal, "type", "is the causal form; linformer is the one that is not");
  }
};

class LinformerBlockCausal final : public Mixer {
 public:
  LinformerBlockCausal(const Config& config, const MixerContext& context)
      : heads_(*this, config.attention, context),
        block_(config.block),
        slots_(config.slots),
        scale_(config.scale.value_or(1 / std::sqrt(static_cast<double>(heads_.head_width())))) {
    const double bound = 1 / std::sqrt(static_cast<double>(slots_));
    const auto drawn = [&] { return context.initializer->uniform({block_, slots_}, -bound, bound); };
    key_projection_ = add_parameter("key_projection", drawn(), {.role = Role::compression});
    value_projection_ = config.share_projection
                            ? key_projection_
                            : add_parameter("value_projection", drawn(), {.role = Role::compression});
  }

  at::Tensor forward(const at::Tensor& x_BLD, const at::Tensor& keep_BL) override {
    const Heads heads = heads_.split("linformer_block_causal", x_BLD, keep_BL);
    expect_right_padding("linformer_block_causal", keep_BL, x_BLD);
    const int64_t L = x_BLD.size(1), C = block_, N = (L + C - 1) / C, G = heads_.groups(),
                  R = heads_.heads() / G;
    if (L == 0) return x_BLD;
    // The R query heads of a group stand below each other in every block.
    const at::Tensor q =
        blocks(heads.q_BLHK, N).unflatten(1, {G, R}).transpose(2, 3).flatten(3, 4);  // [B,G,N,R C,K]
    const at::Tensor k = blocks(silenced(heads.k_BLGK, keep_BL), N);                 // [B,G,N,C,K]
    const at::Tensor v = blocks(silenced(heads.v_BLGV, keep_BL), N);
    const at::Tensor slot_k = compressed(k, key_projection_).flatten(2, 3);  // [B,G,N S,K]
    const at::Tensor slot_v = compressed(v, value_projection_).flatten(2, 3);
    const auto options = at::TensorOptions(at::kBool).device(x_BLD.device());
    const at::Tensor later = at::ones({C, C}, options).triu(1).repeat({R, 1});
    const at::Tensor unfinished = at::ones({N, N}, options).triu(0).repeat_interleave(slots_, 1).unsqueeze(1);
    const at::Tensor past = at::matmul(q.flatten(2, 3), slot_k.transpose(-1, -2)).unflatten(2, {N, R * C});
    const at::Tensor own = at::matmul(q, k.transpose(-1, -2));  // [B,G,N,R C,C]; past [B,G,N,R C,N S]
    const at::Tensor scores =
        at::cat({past.masked_fill(unfinished, kMinusInfinity), own.masked_fill(later, kMinusInfinity)}, -1);
    const at::Tensor weights = softmax(scores.mul(scale_)).to(v.scalar_type());
    const at::Tensor from_past = at::matmul(weights.narrow(-1, 0, N * slots_).flatten(2, 3), slot_v);
    const at::Tensor y =
        from_past.unflatten(2, {N, R * C}) + at::matmul(weights.narrow(-1, N * slots_, C), v);
    const at::Tensor y_BNCHV = y.unflatten(3, {R, C}).permute({0, 2, 4, 1, 3, 5}).flatten(3, 4);
    return heads_.merge(y_BNCHV.flatten(1, 2).narrow(1, 0, L));
  }
  at::Tensor step(const at::Tensor& x_BD, MixerState& state) override {
    const at::Tensor x_BLD = x_BD.unsqueeze(1);
    Heads heads = heads_.split("linformer_block_causal", x_BLD, {}, state.position);
    const int64_t B = x_BD.size(0), G = heads_.groups();
    at::Tensor& own_k = kept(state, "k", heads.k_BLGK);
    at::Tensor& own_v = kept(state, "v", heads.v_BLGV);
    at::Tensor& slot_k = kept(state, "slot_k", heads.k_BLGK);
    at::Tensor& slot_v = kept(state, "slot_v", heads.v_BLGV);
    expect_shape("linformer_block_causal", "x", x_BD, {own_k.size(0), kAny});
    own_k = at::cat({own_k, heads.k_BLGK}, 1);
    own_v = at::cat({own_v, heads.v_BLGV}, 1);
    const at::Tensor k = at::cat({slot_k, own_k}, 1).permute({0, 2, 3, 1});                   // [B,G,K,T]
    const at::Tensor v = at::cat({slot_v, own_v}, 1).transpose(1, 2);                         // [B,G,T,V]
    const at::Tensor q = heads.q_BLHK.view({B, G, heads_.heads() / G, heads_.head_width()});  // [B,G,R,K]
    const at::Tensor y = at::matmul(softmax(at::matmul(q, k).mul(scale_)).to(v.scalar_type()), v);
    if (own_k.size(1) == block_) {
      const auto add_slots = [&](at::Tensor& slots, at::Tensor& own, const at::Tensor& projection) {
        const at::Tensor fresh = compressed(own.transpose(1, 2), projection).transpose(1, 2);
        slots = at::cat({slots, fresh}, 1);
        own = own.narrow(1, 0, 0);
      };
      add_slots(slot_k, own_k, key_projection_);
      add_slots(slot_v, own_v, value_projection_);
    }
    ++state.position;
    return heads_.merge(y.flatten(1, 2).unsqueeze(1)).squeeze(1);
  }
  bool has_step() const override { return true; }
  int64_t state_bytes(int64_t length, int64_t bytes_per_value) const override {
    return heads_.state_bytes(length / block_ * slots_ + length % block_, bytes_per_value);
  }
  double flops(int64_t length) const override {
    const int64_t N = (length + block_ - 1) / block_, G = heads_.groups(), H = heads_.heads();
    const int64_t pairs = G * slots_ + H * (N * slots_ + block_);
    return heads_.maps_flops(length) +
           2 * static_cast<double>(N * block_) *
               static_cast<double>(pairs * (heads_.head_width() + heads_.value_width()));
  }

 private:
  static at::Tensor softmax(const at::Tensor& scores) {
    return at::softmax(scores, -1, scores.element_size() < 4 ? at::kFloat : scores.scalar_type());
  }
  // [B,L,X,K] -> [B,X,N,C,K], filled up with zeros that no real token sees.
  at::Tensor blocks(const at::Tensor& x, int64_t count) const {
    const at::Tensor full = at::constant_pad_nd(x, {0, 0, 0, 0, 0, count * block_ - x.size(1)});
    return full.unflatten(1, {count, block_}).permute({0, 3, 1, 2, 4});
  }
  // [...,C,X] by [C,S] -> [...,S,X]
  static at::Tensor compressed(const at::Tensor& x, const at::Tensor& projection) {
    return at::matmul(projection.t(), x);
  }
  // The state's tensor of that name, begun with no rows.
  static at::Tensor& kept(MixerState& state, const char* name, const at::Tensor& like_BLGX) {
    at::Tensor& tensor = state.tensors[name];
    if (!tensor.defined()) tensor = like_BLGX.narrow(1, 0, 0);
    return tensor;
  }

  AttentionHeads heads_;
  int64_t block_, slots_;
  double scale_;
  at::Tensor key_projection_, value_projection_;
};

void add_to(MixerRegistry& r) {
  r.add<LinformerBlockCausal, Config>(
      {.name = "linformer_block_causal",
       .summary = "causal attention inside blocks, past blocks compressed to slots",
       .source = "Wang et al. 2020, arXiv 2006.04768, with blocks as in arXiv 2107.02192",
       .cost = "8 L D^2 + 4 L D (C + S L / C) flops, state (t / C) S + t mod C keys and values"});
}

}  // namespace subband::mixers::linformer_block_causal
