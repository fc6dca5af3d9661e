// A linear map.
#pragma once
#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include "models/initializer.h"
namespace subband {
class Linear final : public torch::nn::Module {
 public:
  Linear(Initializer& initializer, int64_t in, int64_t out, bool with_bias = true);
  at::Tensor forward(const at::Tensor& x) const;
  at::Tensor weight, bias;
};
}
