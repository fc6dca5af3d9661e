// A linear map.
#pragma once
#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>

#include "models/initializer.h"

namespace subband {

class Linear final : public torch::nn::Module {
 public:
  /// Weight, then bias, start uniform in ±1/sqrt(in), as PyTorch's linear layer does.
  Linear(Initializer& initializer, int64_t in, int64_t out, bool with_bias = true);
  /// y = x weightᵀ + bias.  Shapes  [..., in] -> [..., out]
  at::Tensor forward(const at::Tensor& x) const;
  double flops(int64_t rows) const { return 2.0 * static_cast<double>(rows * weight.numel()); }

  at::Tensor weight;  ///< [out, in]
  at::Tensor bias;    ///< [out], or undefined
};

}  // namespace subband
