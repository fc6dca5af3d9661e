#include "models/initializer.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <utility>

namespace subband {

Initializer::Initializer(at::Generator generator) : generator_(std::move(generator)) {}

Initializer Initializer::meta() { return Initializer(); }

static at::TensorOptions fp32_on(at::Device device) { return at::TensorOptions(at::kFloat).device(device); }

at::Tensor Initializer::empty(at::IntArrayRef shape) const { return at::empty(shape, fp32_on(device_)); }

at::Tensor Initializer::zeros(at::IntArrayRef shape) const { return at::zeros(shape, fp32_on(device_)); }

at::Tensor Initializer::full(at::IntArrayRef shape, double value) const {
  return at::full(shape, value, fp32_on(device_));
}

at::Tensor Initializer::eye(int64_t rows, int64_t columns) const {
  return at::eye(rows, columns, fp32_on(device_));
}

at::Tensor Initializer::normal(at::IntArrayRef shape, double mean, double deviation) {
  at::Tensor values = empty(shape);
  normal_(values, mean, deviation);
  return values;
}

at::Tensor Initializer::uniform(at::IntArrayRef shape, double low, double high) {
  at::Tensor values = empty(shape);
  uniform_(values, low, high);
  return values;
}

// The parameters are redrawn outside of autograd: they may already be leaves that want a gradient.
void Initializer::normal_(const at::Tensor& tensor, double mean, double deviation) {
  if (!is_meta()) tensor.detach().normal_(mean, deviation, generator_);
}

void Initializer::uniform_(const at::Tensor& tensor, double low, double high) {
  if (!is_meta()) tensor.detach().uniform_(low, high, generator_);
}

}  // namespace subband
