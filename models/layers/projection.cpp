#include "models/layers/projection.h"

#include <ATen/ops/bmm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/stack.h>

#include <cmath>
#include <vector>

namespace subband {

Projection::Projection(Initializer& first, const ProjectionPlan& plan) : in_(plan.in), out_(plan.out) {
  const double bound = 1 / std::sqrt(static_cast<double>(in_));
  weight_ = add_parameter("weight", first.uniform({out_, in_}, -bound, bound), plan.purpose);
  if (plan.bias) bias_ = add_parameter("bias", first.uniform({out_}, -bound, bound), {.role = Role::bias});
}

at::Tensor Projection::forward(const at::Tensor& x) const { return at::linear(x, weight_, bias_); }

at::Tensor apply_each(std::span<const std::shared_ptr<Projection>> projections, const at::Tensor& x_nNI) {
  std::vector<at::Tensor> weights;
  for (const auto& projection : projections) weights.push_back(projection->dense());
  return at::bmm(x_nNI, at::stack(weights).transpose(1, 2));
}

}  // namespace subband
