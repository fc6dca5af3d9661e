#include "models/layers/norms/scale_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/stack.h>

#include <string>

namespace subband {

ScaleNorms::ScaleNorms(const Initializer& initializer, int64_t scales, int64_t width) {
  for (int64_t scale = 0; scale < scales; ++scale)
    norms_.push_back(register_module(std::to_string(scale), std::make_shared<LayerNorm>(initializer, width)));
}

at::Tensor ScaleNorms::forward(const at::Tensor& z_SC) const {
  std::vector<at::Tensor> gains, biases;
  for (const auto& norm : norms_) gains.push_back(norm->weight), biases.push_back(norm->bias);
  std::vector<int64_t> shape(static_cast<size_t>(z_SC.dim()), 1);
  shape.front() = z_SC.size(0), shape.back() = z_SC.size(-1);
  const at::Tensor flat = at::layer_norm(z_SC, {z_SC.size(-1)}, {}, {}, 1e-5);
  return flat * at::stack(gains).view(shape) + at::stack(biases).view(shape);
}

}  // namespace subband
