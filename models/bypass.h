// A bypass: what a block knows of the whole past besides its wavelet, added to every scale's coefficients.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/ops/hadamard/biased_fwht.h"
#include "core/registry.h"
#include "models/block_context.h"
#include "models/module.h"
#include "models/pass.h"

namespace subband {

/// A bias of all scales; undefined tensors: none.
struct ScaleBias {
  at::Tensor context_BLC, gains_SC;
};

class Bypass : public Module {
 public:
  static constexpr const char* kKind = "bypass";
  using Context = BlockContext;

  /// A summary of the past of x, handed on to the next block; undefined where there is no bypass. With a state x goes on
  /// from what the slot has added up.  Shapes  x [B,L,C] -> [B,L,C]
  virtual at::Tensor summary(const at::Tensor& x_BLC, const Pass& pass = {}) = 0;
  /// What is added to the coefficients of scale s: gains[s] ⊙ context, fp32 at least. `previous`: the summary of the
  /// block before, [B,L,C] or [B,1,C], or undefined.  Shapes  summary [B,L,C]
  virtual ScaleBias bias(const at::Tensor& summary_BLC, const at::Tensor& previous) = 0;
  /// The coefficients with it.  Shapes  z [S,B,L,Cp] -> [S,B,L,Cp]
  at::Tensor apply(const at::Tensor& z_SBLC, const at::Tensor& summary_BLC, const at::Tensor& previous) {
    const ScaleBias b = bias(summary_BLC, previous);
    return b.context_BLC.defined() ? biased(z_SBLC, b.context_BLC, b.gains_SC) : z_SBLC;
  }
  /// Floating-point operations of summary and apply over one sequence, counted as Mixer::flops; `after_another`: with
  /// the summary of a block before.
  virtual double flops(int64_t length, bool after_another) const = 0;
  /// Bytes that decoding must keep per sequence, for `bytes_per_value` wide values.
  virtual int64_t state_bytes(int64_t bytes_per_value) const = 0;
  /// Whether the last block's summary of a window's last position goes on to the first block of the next window.
  virtual bool crosses_windows() const { return false; }
};

using BypassRegistry = KindRegistry<Bypass>;

}  // namespace subband
