#include "models/layers/norms/layer_norm.h"

#include <ATen/ops/layer_norm.h>

namespace subband {

LayerNorm::LayerNorm(const Initializer& initializer, int64_t width, double epsilon) : epsilon_(epsilon) {
  weight = add_parameter("weight", initializer.full({width}, 1), {.role = Role::norm});
  bias = add_parameter("bias", initializer.zeros({width}), {.role = Role::bias});
}

at::Tensor LayerNorm::forward(const at::Tensor& x_C) const {
  return at::layer_norm(x_C, {weight.size(0)}, weight, bias, epsilon_);
}

}  // namespace subband
