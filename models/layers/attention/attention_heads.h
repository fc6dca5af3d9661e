// What mixers with queries, keys and values share: linear maps, heads, groups, rotary positions.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/config/binder.h"
#include "models/layers/positions/rope.h"
#include "models/layers/projection.h"
#include "models/mixer.h"
#include "models/module.h"

namespace subband {

struct AttentionFields {
  int64_t heads = 4;
  std::optional<int64_t> kv_heads;
  std::optional<int64_t> head_width;
  std::optional<int64_t> value_width;
  bool bias = true;
  bool out_bias = true;
  std::string rope = "none";
  double rope_base = 10000;
  std::optional<int64_t> rope_width;
  RopeScaling rope_scaling;

  void bind(Binder& b, const MixerContext& c);
  int64_t groups() const { return kv_heads.value_or(heads); }
  int64_t width_of_head(const MixerContext& c) const { return head_width.value_or(c.width / heads); }
  int64_t width_of_value(const MixerContext& c) const { return value_width.value_or(width_of_head(c)); }
};

/// Queries, keys and values, rotated by their positions. G = kv_heads divides H; query head h reads group h G / H.
struct Heads {
  at::Tensor q_BLHK, k_BLGK, v_BLGV;
};

/// The further linear maps of a mixer: not every one has values of its own, or a map behind its heads.
struct AttentionMaps {
  bool values = true;  ///< without them the keys are the values
  bool out = true;     ///< without it the heads stand side by side
};

class AttentionHeads {
 public:
  /// Registers `q`, `k`, `v` and `out` in `owner`; drawn in this order.
  AttentionHeads(Module& owner, const AttentionFields& fields, const MixerContext& context,
                 AttentionMaps maps = {});

  /// Of x alone, from the pass's position on. ShapeError naming `part` as expect_pass.
  Heads split(const char* part, const at::Tensor& x_BLD, const Pass& pass);
  /// Queries of x; with a state the keys and values of all tokens so far, which the slot keeps as `k` and `v`.
  Heads extend(const char* part, const at::Tensor& x_BLD, const Pass& pass);
  at::Tensor merge(const at::Tensor& y_BLHV) const;  ///< heads side by side, then `out`: [B,L,D]
  /// Each group as often as query heads read it.  Shapes  [B,L,G,X] -> [B,L,H,X]
  at::Tensor for_each_head(const at::Tensor& x_BLGX) const;
  /// Keys and values of `length` tokens.
  int64_t state_bytes(int64_t length, int64_t bytes_per_value) const {
    return groups_ * (head_width_ + value_width_) * length * bytes_per_value;
  }
  double flops(int64_t length) const;       ///< of projections, scores and sums over `length` tokens
  double maps_flops(int64_t length) const;  ///< of the projections alone
  int64_t heads() const { return heads_; }
  int64_t groups() const { return groups_; }
  int64_t head_width() const { return head_width_; }
  int64_t value_width() const { return value_width_; }

 private:
  int64_t width_, heads_, groups_, head_width_, value_width_;
  Rope rope_;
  std::shared_ptr<Projection> q_, k_, v_, out_;  ///< the last two may be null
};

/// What may not be seen, to be added to scores: -inf above the diagonal where `causal`, -inf at padded keys.
/// [L,L], [B,1,L,L] where `keep` is given, undefined where everything may be seen. The triangle is kept
/// between calls.
class AttentionMask {
 public:
  explicit AttentionMask(bool causal) : causal_(causal) {}
  /// `past`: tokens before the first query, whose keys every query sees; the last axis is past + L then.
  at::Tensor of(const at::Tensor& like, int64_t length, const at::Tensor& keep_BL, int64_t past = 0);

 private:
  bool causal_;
  at::Tensor triangle_;  ///< [L,L] or [L,past + L] of the last call
};

}  // namespace subband
