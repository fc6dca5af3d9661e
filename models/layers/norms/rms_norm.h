// Root-mean-square normalisation over the last axis, with a gain.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/ops/norms/residual_norm.h"
#include "models/initializer.h"
#include "models/module.h"

namespace subband {

/// y = weight ⊙ x / sqrt(mean(x²) + epsilon), statistics in fp32 or wider. Starts at weight 1.
class RmsNorm final : public Module {
 public:
  RmsNorm(const Initializer& initializer, int64_t width, double epsilon = 1e-5);
  at::Tensor forward(const at::Tensor& x_D) const;  ///< Shapes  [..., D] -> [..., D]
  /// For residual_norm, which adds a branch to the stream before.
  NormWeights weights() const { return {.kind = NormKind::rms, .weight_C = weight, .epsilon = epsilon_}; }

  at::Tensor weight;  ///< [D]

 private:
  double epsilon_;
};

}  // namespace subband
