// The short causal convolution in front of recurrent mixers, one filter per channel.
//   y_t = silu( sum_i w_i x_{t-W+1+i} (+ b) ),   W taps, the last one on x_t; zero before the first token
// Shapes  B batch, L length, C channels; weight [C,1,W], bias [C]
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "models/initializer.h"
#include "models/module.h"

namespace subband {

struct MixerState;

class ShortConvolution final : public Module {
 public:
  /// Weight, then bias, start uniform in ±1/sqrt(W), as PyTorch's convolution does.
  ShortConvolution(Initializer& initializer, int64_t channels, int64_t taps, bool with_bias);

  at::Tensor forward(const at::Tensor& x_BLC) const;  ///< Shapes  [B,L,C] -> [B,L,C]
  /// The next token; the state keeps the last W - 1 inputs as NAME.  Shapes  [B,1,C] -> [B,1,C]
  at::Tensor step(const at::Tensor& x_B1C, MixerState& state, const std::string& name) const;
  double flops(int64_t length) const { return 2.0 * static_cast<double>(length * weight.numel()); }
  int64_t state_values(int64_t length) const;

  at::Tensor weight, bias;

 private:
  at::Tensor convolved(const at::Tensor& padded_BLC) const;
};

}  // namespace subband
