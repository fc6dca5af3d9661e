#include "models/layers/projection.h"

#include <ATen/ops/bmm.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace subband {

Projection::Projection(Initializer& first, const ProjectionPlan& plan) {
  const double bound = 1 / std::sqrt(static_cast<double>(plan.in));
  start(first.uniform({plan.out, plan.in}, -bound, bound), plan.purpose);
  if (plan.bias) bias_ = add_parameter("bias", first.uniform({plan.out}, -bound, bound), {.role = Role::bias});
}

at::Tensor apply_each(std::span<const std::shared_ptr<Projection>> projections, const at::Tensor& x_nNI) {
  const bool any_packed = std::ranges::any_of(projections, [](const auto& each) { return each->packed() != nullptr; });
  std::vector<at::Tensor> each;
  for (size_t i = 0; i < projections.size(); ++i) {
    const auto rows = [&] { return x_nNI.select(0, static_cast<int64_t>(i)); };
    if (!any_packed && projections[i]->is_watched()) projections[i]->show(rows());
    each.push_back(any_packed ? projections[i]->times(rows()) : projections[i]->dense());
  }
  return any_packed ? at::stack(each) : at::bmm(x_nNI, at::stack(each).transpose(1, 2));
}

}  // namespace subband
