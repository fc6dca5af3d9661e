// Queries, keys and values of mixers with a matrix state: linear maps without bias, perhaps a short convolution each, a
// feature map and rotary positions.
//   q = rope(φ(conv(W_q x))),  k likewise,  v = conv(W_v x)
// Shapes  B batch, L length, D width, H query heads, G heads of keys and values, K key width, V value width
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/config/binder.h"
#include "models/layers/attention/linear_recurrence.h"
#include "models/layers/positions/rope.h"
#include "models/layers/projection.h"
#include "models/layers/short_convolution.h"
#include "models/mixer.h"
#include "models/module.h"

namespace subband {

struct RecurrentHeadFields {
  int64_t heads = 4;
  std::optional<int64_t> kv_heads;
  double expand_key = 1;
  double expand_value = 2;
  std::string feature_map = "none";
  int64_t convolution = 0;
  bool convolution_bias = false;
  std::string rope = "half";
  double rope_base = 10000;

  void bind(Binder& b, const MixerContext& c);
  int64_t groups() const { return kv_heads.value_or(heads); }
  int64_t key_width(int64_t width) const { return whole(expand_key, width) / heads; }
  int64_t value_width(int64_t width) const { return whole(expand_value, width) / heads; }

 private:
  static int64_t whole(double expand, int64_t width);
  bool divides(double expand, int64_t width) const;
};

class RecurrentHeads {
 public:
  /// Registers `q`, `k`, `v` and perhaps `q_convolution`, `k_convolution`, `v_convolution` in `owner`. Weights start as
  /// Xavier's, times `gain`.
  RecurrentHeads(Module& owner, const RecurrentHeadFields& fields, const MixerContext& context, double gain);
  /// A further projection of the same initial weights, without bias.
  std::shared_ptr<Projection> add(Module& owner, const char* name, Initializer& first,
                                  ProjectionPlan plan) const;

  /// Keys and values as often as query heads read them, from the pass's position on; no decay, no state. The slot keeps
  /// the last inputs of the convolutions.  Shapes  x [B,L,D]
  RecurrenceInputs split(const at::Tensor& x_BLD, const Pass& pass);

  int64_t key_width() const { return key_width_; }
  int64_t value_width() const { return value_width_; }
  double flops(int64_t length) const;
  int64_t state_values(int64_t length) const;  ///< that the convolutions keep

 private:
  struct Stream {
    std::shared_ptr<Projection> map;
    std::shared_ptr<ShortConvolution> filter;  ///< null without convolutions
    const char* name;
    int64_t width;  ///< of a head
  };

  RecurrentHeadFields fields_;
  double gain_;
  int64_t key_width_, value_width_;
  Rope rope_;
  Stream q_, k_, v_;
};

}  // namespace subband
