// Layer normalisation over channels with gains and biases of every scale's own.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "models/layers/norms/layer_norm.h"
#include "models/module.h"

namespace subband {

/// One LayerNorm per scale, named by its number.
class ScaleNorms final : public Module {
 public:
  ScaleNorms(const Initializer& initializer, int64_t scales, int64_t width);
  at::Tensor forward(const at::Tensor& z_SC) const;  ///< Shapes  [S, ..., C] -> [S, ..., C]

 private:
  std::vector<std::shared_ptr<LayerNorm>> norms_;
};

}  // namespace subband
