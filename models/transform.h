// A transform: the basis over channels in which the scale mixers work.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

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
  /// Floating-point operations of forward, and of inverse, over `positions` of Cp values, counted as Mixer::flops.
  virtual double flops(int64_t positions) const = 0;
};

using TransformRegistry = KindRegistry<Transform>;

}  // namespace subband
