// What the bypasses share: how a summary of the past becomes a bias of every scale.
#pragma once
#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <memory>

#include "models/block_context.h"
#include "models/layers/linear.h"

namespace subband::bypasses {

/// z_s + pad(gains_s ⊙ (m + W previous)): gains [S,C] start at zero, W [C,C] at half the identity.
class History {
 public:
  /// Registers `history_gains` and `cross_layer_mix` in `owner`.
  History(torch::nn::Module& owner, const BlockContext& context);
  at::Tensor apply(const at::Tensor& z_SBLC, const at::Tensor& summary_BLC, const at::Tensor& previous) const;

 private:
  at::Tensor gains_SC_;
  std::shared_ptr<Linear> mix_;
};

}  // namespace subband::bypasses
