// A scale mixer: maps the transformed coefficients of every scale, position by position.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/registry.h"
#include "models/block_context.h"
#include "models/module.h"

namespace subband {

class ScaleMixer : public Module {
 public:
  static constexpr const char* kKind = "scale_mixer";
  using Context = BlockContext;

  /// Shapes  z [S,B,L,Cp] -> [S,B,L,Cp], scale 0 the approximation
  virtual at::Tensor forward(const at::Tensor& z_SBLC) = 0;
  /// Floating-point operations of forward over one sequence, all scales, counted as Mixer::flops.
  virtual double flops(int64_t length) const = 0;
};

using ScaleMixerRegistry = KindRegistry<ScaleMixer>;

}  // namespace subband
