// A transform: the basis over channels in which the scale mixers work.
#pragma once
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/ops/hadamard/biased_fwht.h"
#include "core/registry.h"
#include "models/block_context.h"
#include "models/module.h"

namespace subband {

class Transform : public Module {
 public:
  static constexpr const char* kKind = "transform";
  using Context = BlockContext;

  /// The width Cp >= width that this transform works at; the block pads with zeros up to it.
  virtual int64_t padded_width(int64_t width) const = 0;
  /// Shapes  z [..., Cp] -> [..., Cp]
  virtual at::Tensor forward(const at::Tensor& z_C) = 0;
  /// The inverse of forward.
  virtual at::Tensor inverse(const at::Tensor& z_C) = 0;
  /// The same of coefficients with a bias, and with a factor per scale behind it: what stands around a scale mixer.
  /// Shapes  z [S,B,L,Cp], context [B,L,C], gains [S,C] or [S]
  virtual at::Tensor forward_biased(const at::Tensor& z_SBLC, const at::Tensor& context_BLC,
                                    const at::Tensor& gains_SC) {
    return forward(biased(z_SBLC, context_BLC, gains_SC).to(z_SBLC.scalar_type()));
  }
  virtual at::Tensor inverse_scaled(const at::Tensor& z_SBLC, const at::Tensor& gains_S) {
    return inverse(z_SBLC) * gains_S.view({-1, 1, 1, 1});
  }
  /// Floating-point operations of forward, and of inverse, over `positions` of Cp values, counted as Mixer::flops.
  virtual double flops(int64_t positions) const = 0;
};

using TransformRegistry = KindRegistry<Transform>;

}  // namespace subband
