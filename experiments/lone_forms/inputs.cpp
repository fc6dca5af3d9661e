#include "experiments/lone_forms/inputs.h"

#include "core/error.h"
#include "core/tensors/expect.h"

namespace subband {

BlockContext LoneOrder::block() const {
  return {.width = frame.width, .padded_width = frame.width, .levels = frame.levels, .initializer = &initializer};
}

namespace lone_forms {

at::Tensor optional_input(const Tensors& in, const std::string& name) {
  const auto found = in.find(name);
  return found == in.end() ? at::Tensor() : found->second;
}

const at::Tensor& needed_input(const Tensors& in, std::string_view name, const std::string& part) {
  const auto found = in.find(std::string(name));
  if (found == in.end()) throw ShapeError(part, "tensor '" + std::string(name) + "': missing");
  return found->second;
}

const at::Tensor& checked_x(const Tensors& in, const std::string& part, int64_t width) {
  const at::Tensor& x = needed_input(in, "x", part);
  expect_shape(part, "x", x, {kAny, kAny, width});
  return x;
}

PartCosts cost_of(const std::string& name, const torch::nn::Module& part, double flops, int64_t state_bytes) {
  PartCosts costs;
  costs.add(name, part, flops, state_bytes);
  return costs;
}

}  // namespace lone_forms

}  // namespace subband
