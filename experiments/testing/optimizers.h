// For tests of optimisers: tensors as parameters, one rate for everything.
#pragma once
#include <string>
#include <vector>

#include "experiments/optimizer.h"

namespace subband::testing {

/// Named by their places, `0`, `1`, …
inline OptimizerContext trained(const std::vector<at::Tensor>& tensors, Role role = Role::input_projection) {
  OptimizerContext context;
  for (const at::Tensor& tensor : tensors)
    context.parameters.push_back({std::to_string(context.parameters.size()), tensor, {.role = role}});
  return context;
}

/// A step at `rate` times every group's factor.
inline void step(Optimizer& optimizer, double rate, const GradientClip& clip = {}) {
  std::vector<double> rates;
  for (const ParameterGroup& group : optimizer.groups()) rates.push_back(rate * group.rate);
  optimizer.step(rates, clip);
}

}  // namespace subband::testing
