// How much of every wavelet band passes, decided by the input: a small network over pooled tokens.
//   γ = s ⊙ sigmoid(W_out dropout(ReLU(W_in p + b_in)) + b_out)
//   p   pooled: mean of the real tokens, one γ per sequence;  token: each token itself;
//       convolution: a depthwise convolution over tokens, left-padded where causal;  none: γ = s
// Shapes  B batch, L length, D width, S bands; W_in [D/4,D], W_out [S,D/4], s [S]
// Source  WERSA, arXiv 2507.08637; forms as in its third-party module WERSAAttention (matformer); `token` is ours
#pragma once
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/config/binder.h"
#include "models/layers/dropout.h"
#include "models/layers/projection.h"
#include "models/mixer.h"
#include "models/module.h"

namespace subband {

struct BandGateFields {
  std::string gates = "auto";
  std::optional<int64_t> gate_width;
  int64_t gate_kernel = 33;
  double gate_dropout = 0;
  bool band_weights = true;

  /// `causal`: whether pooling over the whole sequence is to be refused.
  void bind(Binder& b, bool causal);
  std::string form(bool causal) const { return gates == "auto" ? (causal ? "token" : "pooled") : gates; }
  int64_t hidden(int64_t width) const { return gate_width.value_or(std::max<int64_t>(1, width / 4)); }
};

class BandGates {
 public:
  /// Registers `gate_convolution`, `gate_in`, `gate_out` and `band_weights` in `owner`, as far as the form has them.
  BandGates(Module& owner, const BandGateFields& fields, int64_t bands, const MixerContext& context);

  /// Padded tokens of x are zero. With a state the slot keeps the last inputs of the convolution.
  /// Shapes  x [B,L,D] -> γ [B,1,S] or [B,L,S]
  at::Tensor gains(const at::Tensor& x_BLD, const Pass& pass, bool training) const;
  bool looks_ahead() const { return form_ == "pooled" || (form_ == "convolution" && !causal_); }
  double flops(int64_t length) const;
  int64_t state_values(int64_t length) const;

 private:
  at::Tensor of_pooled(const at::Tensor& p, bool training) const;
  at::Tensor convolved(const at::Tensor& padded_BLD) const;

  std::string form_;
  bool causal_;
  int64_t width_, kernel_;
  double dropout_;
  std::shared_ptr<const Noise> noise_;
  std::shared_ptr<Projection> in_, out_;          ///< null without gates
  at::Tensor kernel_weight_D1W_, kernel_bias_D_;  ///< of the convolution, or undefined
  at::Tensor weights_S_;                          ///< undefined: all 1
  int64_t bands_;
};

}  // namespace subband
