#include "models/layers/activation.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tanh.h>

#include <array>
#include <cassert>

namespace subband {

namespace {

struct NamedActivation {
  const char* name;
  Activation apply;
};

constexpr std::array<NamedActivation, 8> kActivations = {
    {{"gelu", [](const at::Tensor& x) { return at::gelu(x); }},
     {"gelu_tanh", [](const at::Tensor& x) { return at::gelu(x, "tanh"); }},
     {"quick_gelu", [](const at::Tensor& x) { return x * at::sigmoid(x * 1.702); }},
     {"relu", [](const at::Tensor& x) { return at::relu(x); }},
     {"relu_squared", [](const at::Tensor& x) { return at::relu(x).square(); }},
     {"sigmoid", [](const at::Tensor& x) { return at::sigmoid(x); }},
     {"silu", [](const at::Tensor& x) { return at::silu(x); }},
     {"tanh", [](const at::Tensor& x) { return at::tanh(x); }}}};

}  // namespace

std::vector<std::string> activation_names() {
  std::vector<std::string> names;
  for (const NamedActivation& each : kActivations) names.emplace_back(each.name);
  return names;
}

Activation activation_of(std::string_view name) {
  for (const NamedActivation& each : kActivations) {
    if (name == each.name) return each.apply;
  }
  assert(!"the binder lets no other name through");
  return nullptr;
}

}  // namespace subband
