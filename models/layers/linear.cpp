#include "models/layers/linear.h"

#include <ATen/ops/linear.h>

#include <cmath>

namespace subband {

Linear::Linear(Initializer& initializer, int64_t in, int64_t out, bool with_bias) {
  const double bound = 1 / std::sqrt(static_cast<double>(in));
  weight = register_parameter("weight", initializer.uniform({out, in}, -bound, bound));
  if (with_bias) bias = register_parameter("bias", initializer.uniform({out}, -bound, bound));
}

at::Tensor Linear::forward(const at::Tensor& x) const { return at::linear(x, weight, bias); }

}  // namespace subband
