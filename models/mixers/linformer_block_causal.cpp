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

#include <cmath>
#include <limits>
#include <vector>

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

  at::Tensor forward(const at::Tensor& x_BLD, const Pass& pass) override {
    const Heads heads = heads_.split("linformer_block_causal", x_BLD, pass);
    expect_right_padding("linformer_block_causal", pass.keep_BL, x_BLD);
    const int64_t L = x_BLD.size(1);
    if (L == 0) return x_BLD;
    LayerState* memory = pass.memory();
    // The block that the last tokens left unfinished is begun again, for its keys and values alone.
    const int64_t before = pass.position() % block_;
    const auto aligned = [&](const at::Tensor& x_BLGX, const char* name) {
      const at::Tensor x = masked(x_BLGX, pass.keep_BL);
      return memory ? memory->rows(name, block_).joined(x.transpose(1, 2), before, before + L).transpose(1, 2) : x;
    };
    const at::Tensor all_k = aligned(heads.k_BLGK, "k"), all_v = aligned(heads.v_BLGV, "v");
    const int64_t N = (before + L + block_ - 1) / block_;
    const at::Tensor k = blocks(all_k, N), v = blocks(all_v, N);             // [B,G,N,C,K]
    const at::Tensor slot_k = compressed(k, key_projection_).flatten(2, 3);  // [B,G,N S,K]
    const at::Tensor slot_v = compressed(v, value_projection_).flatten(2, 3);
    at::Tensor y;
    if (memory && L == 1) {
      y = token(heads.q_BLHK, all_k.transpose(1, 2), all_v.transpose(1, 2), *memory);
    } else {
      const at::Tensor q =
          before > 0 ? at::constant_pad_nd(heads.q_BLHK, {0, 0, 0, 0, before, 0}) : heads.q_BLHK;
      y = attended(q, {k, v, slot_k, slot_v}, memory).narrow(1, before, L);
    }
    if (memory) {
      take_up(*memory, "k", "slot_k", all_k, slot_k);
      take_up(*memory, "v", "slot_v", all_v, slot_v);
    }
    return heads_.merge(y);
  }
  bool can_continue() const override { return true; }
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
  struct Blocks {
    at::Tensor k_BGNCK, v_BGNCV;    ///< tokens
    at::Tensor slot_k_BGTK, slot_v_BGTV;  ///< of every block, T = N S
  };
  // Queries of N whole or begun blocks, [B,L,H,K] -> [B,N C,H,V]; the slots in `memory` are those of earlier blocks.
  at::Tensor attended(const at::Tensor& q_BLHK, const Blocks& blocks_of, LayerState* memory) {
    const auto& [k, v, slot_k, slot_v] = blocks_of;
    const int64_t G = heads_.groups(), R = heads_.heads() / G, N = k.size(2), C = block_;
    // The R query heads of a group stand below each other in every block.
    const at::Tensor q = blocks(q_BLHK, N).unflatten(1, {G, R}).transpose(2, 3).flatten(3, 4);  // [B,G,N,R C,K]
    const auto options = at::TensorOptions(at::kBool).device(q.device());
    const at::Tensor later = at::ones({C, C}, options).triu(1).repeat({R, 1});
    const at::Tensor unfinished = at::ones({N, N}, options).triu(0).repeat_interleave(slots_, 1).unsqueeze(1);
    const auto to_slots = [&](const at::Tensor& keys_BGTK) {
      return at::matmul(q.flatten(2, 3), keys_BGTK.transpose(-1, -2)).unflatten(2, {N, R * C});
    };
    const at::Tensor own = at::matmul(q, k.transpose(-1, -2));  // [B,G,N,R C,C]; to slots [B,G,N,R C,N S]
    std::vector<at::Tensor> scores = {to_slots(slot_k).masked_fill(unfinished, kMinusInfinity),
                                      own.masked_fill(later, kMinusInfinity)};
    const bool has_past = memory && memory->rows("slot_k").count() > 0;
    if (has_past) scores.push_back(to_slots(memory->rows("slot_k").kept()));
    const at::Tensor weights = softmax(at::cat(scores, -1).mul(scale_)).to(v.scalar_type());
    const auto from_slots = [&](int64_t first, const at::Tensor& values_BGTV) {
      const at::Tensor part = weights.narrow(-1, first, values_BGTV.size(2));
      return at::matmul(part.flatten(2, 3), values_BGTV).unflatten(2, {N, R * C});
    };
    at::Tensor y = from_slots(0, slot_v) + at::matmul(weights.narrow(-1, N * slots_, C), v);
    if (has_past) y = y + from_slots(N * slots_ + C, memory->rows("slot_v").kept());
    return y.unflatten(3, {R, C}).permute({0, 2, 4, 1, 3, 5}).flatten(3, 4).flatten(1, 2);
  }
  // One query on the slots of earlier blocks and the tokens of its own.  Shapes  q [B,1,H,K], k [B,G,T,K] -> [B,1,H,V]
  at::Tensor token(const at::Tensor& q_B1HK, const at::Tensor& k_BGTK, const at::Tensor& v_BGTV,
                   LayerState& memory) const {
    const int64_t G = heads_.groups(), past = memory.rows("slot_k").count();
    const at::Tensor q = q_B1HK.squeeze(1).unflatten(1, {G, heads_.heads() / G});  // [B,G,R,K]
    at::Tensor scores = at::matmul(q, k_BGTK.transpose(-1, -2));
    if (past > 0)
      scores = at::cat({at::matmul(q, memory.rows("slot_k").kept().transpose(-1, -2)), scores}, -1);
    const at::Tensor weights = softmax(scores.mul(scale_)).to(v_BGTV.scalar_type());
    at::Tensor y = at::matmul(weights.narrow(-1, past, v_BGTV.size(2)), v_BGTV);
    if (past > 0) y = y + at::matmul(weights.narrow(-1, 0, past), memory.rows("slot_v").kept());
    return y.flatten(1, 2).unsqueeze(1);
  }
  // Finished blocks become slots, what is left of the tokens stays.
  void take_up(LayerState& memory, const char* own, const char* slots, const at::Tensor& all_BLGX,
               const at::Tensor& slots_BGTX) const {
    const int64_t length = all_BLGX.size(1), left = length % block_, finished = length / block_;
    RowBuffer& rows = memory.rows(own, block_);
    const int64_t fresh = finished > 0 ? left : length - rows.count();
    if (finished > 0) {
      memory.rows(slots).push(slots_BGTX.narrow(2, 0, finished * slots_));
      rows.clear();
    }
    rows.push(all_BLGX.narrow(1, length - fresh, fresh).transpose(1, 2));
  }
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
