#include "core/tensors/costs/operator_flops.h"

#include <ATen/ExpandUtils.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace subband {

namespace operator_flops_of {
namespace {

using Inputs = c10::ArrayRef<const c10::IValue>;

double count(int64_t values) { return static_cast<double>(values); }

// [..., m, k] times [..., k, n]
double product(const at::Tensor& a, const at::Tensor& b) {
  const int64_t columns = b.dim() > 1 ? b.size(-1) : 1;
  return 2 * count(a.numel()) * count(columns);
}

// Inputs of aten::convolution: input, weight, bias, stride, padding, dilation, transposed, ...
double convolution(Inputs inputs) {
  const at::Tensor &x = inputs[0].toTensor(), &weight = inputs[1].toTensor();
  const double per_value = count(weight.numel() / weight.size(0));
  if (inputs[6].toBool()) return 2 * count(x.numel()) * per_value;
  const auto stride = inputs[3].toIntVector(), padding = inputs[4].toIntVector(),
             dilation = inputs[5].toIntVector();
  double results = count(x.size(0) * weight.size(0));
  for (size_t i = 0; i < stride.size(); ++i) {
    const int64_t axis = static_cast<int64_t>(i) + 2;
    const int64_t span = dilation[i] * (weight.size(axis) - 1) + 1;
    results *= count((x.size(axis) + 2 * padding[i] - span) / stride[i] + 1);
  }
  return 2 * results * per_value;
}

// q [B,H,L,K], k [B,G,J,K], v [B,G,J,V]: scores and sums
double attention(Inputs inputs) {
  const at::Tensor &q = inputs[0].toTensor(), &k = inputs[1].toTensor(), &v = inputs[2].toTensor();
  return 2 * count(q.numel() / q.size(-1)) * count(k.size(-2)) * count(k.size(-1) + v.size(-1));
}

// Inputs of aten::_fft_...: input, axes, ...
double fourier(Inputs inputs) {
  const at::Tensor& x = inputs[0].toTensor();
  double stages = 0;
  for (const int64_t axis : inputs[1].toIntVector()) stages += std::log2(count(x.size(axis)));
  return (x.is_complex() ? 5.0 : 2.5) * count(x.numel()) * stages;
}

double values_of(Inputs inputs) {
  std::vector<int64_t> shape;
  for (const c10::IValue& input : inputs) {
    if (!input.isTensor() || !input.toTensor().defined()) continue;
    const at::Tensor& x = input.toTensor();
    shape = shape.empty() ? x.sizes().vec() : at::infer_size(shape, x.sizes());
  }
  double values = 1;
  for (const int64_t size : shape) values *= count(size);
  return values;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace
}  // namespace operator_flops_of

OperatorFlops operator_flops(std::string_view name, c10::ArrayRef<const c10::IValue> inputs) {
  using namespace operator_flops_of;
  if (is_one_of(name, {"aten::mm", "aten::bmm", "aten::mv", "aten::dot"}))
    return {.products = product(inputs[0].toTensor(), inputs[1].toTensor())};
  if (is_one_of(name, {"aten::addmm", "aten::baddbmm", "aten::addbmm", "aten::addmv", "aten::addmm_", "aten::baddbmm_"}))
    return {.products = product(inputs[1].toTensor(), inputs[2].toTensor())};
  if (name == "aten::convolution") return {.products = convolution(inputs)};
  if (name.starts_with("aten::_scaled_dot_product_") && !name.ends_with("_math") && !name.ends_with("_backward"))
    return {.products = attention(inputs)};
  if (name.starts_with("aten::_fft_")) return {.transforms = fourier(inputs)};
  if (name == "subband::fwht") {
    const at::Tensor& x = inputs[0].toTensor();
    return {.transforms = count(x.numel()) * std::log2(count(x.size(-1)))};
  }
  if (is_one_of(name, {"aten::add", "aten::add_", "aten::sub", "aten::sub_", "aten::rsub", "aten::mul",
                       "aten::mul_", "aten::div", "aten::div_", "aten::sum", "aten::mean", "aten::cumsum"}))
    return {.pointwise = values_of(inputs)};
  if (is_one_of(name, {"aten::addcmul", "aten::addcmul_", "aten::lerp"})) return {.pointwise = 2 * values_of(inputs)};
  return {};
}

}  // namespace subband
