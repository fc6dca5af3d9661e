#include "models/layers/norms/rms_norm.h"

#include <ATen/ops/rms_norm.h>

namespace subband {

RmsNorm::RmsNorm(const Initializer& initializer, int64_t width, double epsilon)
    : weight(add_parameter("weight", initializer.full({width}, 1), {.role = Role::norm})),
      epsilon_(epsilon) {}

at::Tensor RmsNorm::forward(const at::Tensor& x_D) const {
  return at::rms_norm(x_D, weight.sizes(), weight, epsilon_);
}

}  // namespace subband
