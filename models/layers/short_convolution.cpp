#include "models/layers/short_convolution.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv1d.h>
#include <ATen/ops/silu.h>

#include <algorithm>
#include <cmath>

#include "models/layers/history.h"

namespace subband {

ShortConvolution::ShortConvolution(Initializer& initializer, int64_t channels, int64_t taps, bool with_bias) {
  const double bound = 1 / std::sqrt(static_cast<double>(taps));
  weight = add_parameter("weight", initializer.uniform({channels, 1, taps}, -bound, bound),
                         {.role = Role::filter});
  if (with_bias)
    bias = add_parameter("bias", initializer.uniform({channels}, -bound, bound), {.role = Role::bias});
}

at::Tensor ShortConvolution::forward(const at::Tensor& x_BLC) const {
  return convolved(at::constant_pad_nd(x_BLC, {0, 0, weight.size(2) - 1, 0}));
}

at::Tensor ShortConvolution::step(const at::Tensor& x_B1C, MixerState& state, const std::string& name) const {
  const int64_t taps = weight.size(2);
  if (taps == 1) return convolved(x_B1C);
  const at::Tensor all = extend_history(state, name, x_B1C, taps - 1);
  return convolved(at::constant_pad_nd(all, {0, 0, taps - all.size(1), 0}));
}

at::Tensor ShortConvolution::convolved(const at::Tensor& padded_BLC) const {
  const at::Tensor y =
      at::conv1d(padded_BLC.transpose(1, 2), weight, bias, 1, at::IntArrayRef{0}, 1, weight.size(0));
  return at::silu(y.transpose(1, 2));
}

int64_t ShortConvolution::state_values(int64_t length) const {
  return std::min(length, weight.size(2) - 1) * weight.size(0);
}

}  // namespace subband
