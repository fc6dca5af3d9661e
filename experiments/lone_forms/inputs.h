// What every lone form asks of its inputs.
#pragma once
#include <string_view>

#include "experiments/lone_form.h"

namespace subband::lone_forms {

/// The part of `order`, in `context`.
template <class Interface>
std::shared_ptr<Interface> lone(const LoneOrder& order, const typename Interface::Context& context) {
  return make_part<Interface>(order.registry, order.spec, context, order.name);
}

/// Undefined where it is missing.
at::Tensor optional_input(const Tensors& in, const std::string& name);
/// ShapeError of `part` where it is missing.
const at::Tensor& needed_input(const Tensors& in, std::string_view name, const std::string& part);
/// The input x [B,L,D] of a part that checks nothing itself.
const at::Tensor& checked_x(const Tensors& in, const std::string& part, int64_t width);

PartCosts cost_of(const std::string& name, const torch::nn::Module& part, double flops, int64_t state_bytes = 0);

}  // namespace subband::lone_forms
