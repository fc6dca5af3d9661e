// Layer normalisation over the last axis, with gain and bias.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/ops/norms/residual_norm.h"
#include "models/initializer.h"
#include "models/module.h"

namespace subband {

/// y = weight ⊙ (x - mean) / sqrt(variance + epsilon) + bias, biased variance. Starts at weight 1, bias 0.
class LayerNorm final : public Module {
 public:
  LayerNorm(const Initializer& initializer, int64_t width, double epsilon = 1e-5);
  at::Tensor forward(const at::Tensor& x_C) const;  ///< Shapes  [..., C] -> [..., C]
  /// For residual_norm, which adds a branch to the stream before.
  NormWeights weights() const { return {.weight_C = weight, .bias_C = bias, .epsilon = epsilon_}; }

  at::Tensor weight, bias;  ///< [C]

 private:
  double epsilon_;
};

}  // namespace subband
