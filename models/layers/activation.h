// Activations by name, for the parts that work on each position.
#pragma once
#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>
#include <vector>

namespace subband {

/// Works on each value alone; same shape and dtype.
using Activation = at::Tensor (*)(const at::Tensor&);

/// `gelu` (exact), `gelu_tanh` (GPT-2's), `quick_gelu` x σ(1.702 x), `relu`, `relu_squared`, `sigmoid`, `silu`, `tanh`.
std::vector<std::string> activation_names();

/// The activation of one of these names.
Activation activation_of(std::string_view name);

}  // namespace subband
