#include "models/layers/norms/rms_norm.h"

#include <ATen/ops/rms_norm.h>

namespace subband {

RmsNorm::RmsNorm(const Initializer& initializer, int64_t width, double epsilon)
    : weight(register_parameter("weight", initializer.full({width}, 1))), epsilon_(epsilon) {}

at::Tensor RmsNorm::forward(const at::Tensor& x_D) const {
  return at::rms_norm(x_D, weight.sizes(), weight, epsilon_);
}

}  // namespace subband
