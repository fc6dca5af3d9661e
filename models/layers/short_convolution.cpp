#include "models/layers/short_convolution.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv1d.h>
#include <ATen/ops/silu.h>

#include <algorithm>
#include <cmath>

namespace subband {

ShortConvolution::ShortConvolution(Initializer& initializer, int64_t channels, int64_t taps, bool with_bias) {
  const double bound = 1 / std::sqrt(static_cast<double>(taps));
  weight = add_parameter("weight", initializer.uniform({channels, 1, taps}, -bound, bound),
                         {.role = Role::filter});
  if (with_bias)
    bias = add_parameter("bias", initializer.uniform({channels}, -bound, bound), {.role = Role::bias});
}

at::Tensor ShortConvolution::forward(const at::Tensor& x_BLC, LayerState* memory) const {
  const int64_t before = weight.size(2) - 1;
  if (memory == nullptr || before == 0) return convolved(at::constant_pad_nd(x_BLC, {0, 0, before, 0}));
  RowBuffer& inputs = memory->rows("inputs", before);
  const at::Tensor all = inputs.joined(x_BLC, before, before + x_BLC.size(1));
  inputs.push(x_BLC);
  return convolved(all);
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
