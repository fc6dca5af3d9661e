// The short causal convolution in front of recurrent mixers, one filter per channel.
//   y_t = silu( sum_i w_i x_{t-W+1+i} (+ b) ),   W taps, the last one on x_t; zero before the first token
// Shapes  B batch, L length, C channels; weight [C,1,W], bias [C]
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "models/initializer.h"
#include "models/module.h"
#include "models/state/sequence_state.h"

namespace subband {

class ShortConvolution final : public Module {
 public:
  /// Weight, then bias, start uniform in ±1/sqrt(W), as PyTorch's convolution does.
  ShortConvolution(Initializer& initializer, int64_t channels, int64_t taps, bool with_bias);

  /// With `memory`, which keeps the last W - 1 inputs, x goes on from there.  Shapes  [B,L,C] -> [B,L,C]
  at::Tensor forward(const at::Tensor& x_BLC, LayerState* memory = nullptr) const;
  double flops(int64_t length) const { return 2.0 * static_cast<double>(length * weight.numel()); }
  int64_t state_values(int64_t length) const;

  at::Tensor weight, bias;

 private:
  at::Tensor convolved(const at::Tensor& padded_BLC) const;
};

}  // namespace subband
