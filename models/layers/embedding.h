// A table of vectors, one per id or position.
#pragma once
#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>

#include "models/initializer.h"

namespace subband {

class Embedding final : public torch::nn::Module {
 public:
  /// Starts at N(0, deviation).
  Embedding(Initializer& initializer, int64_t count, int64_t width, double deviation);
  at::Tensor forward(const at::Tensor& ids) const;  ///< Shapes  [...] int64, each below count -> [..., D]

  at::Tensor weight;  ///< [count, D]
};

}  // namespace subband
