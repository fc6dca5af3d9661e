// What the bypasses share: how a summary of the past becomes a bias of every scale.
#pragma once
#include <ATen/core/Tensor.h>

#include <memory>

#include "core/config/binder.h"
#include "models/block_context.h"
#include "models/bypass.h"
#include "models/layers/projection.h"
#include "models/module.h"

namespace subband::bypasses {

struct HistoryConfig {
  bool cross_window = false;

  void bind(Binder& b);
};

/// z_s + pad(gains_s ⊙ (m + W previous)): gains [S,C] start at zero, W [C,C] at half the identity.
class History {
 public:
  /// Registers `gains` and `mix` in `owner`.
  History(Module& owner, const BlockContext& context);
  ScaleBias bias(const at::Tensor& summary_BLC, const at::Tensor& previous) const;
  /// Of apply over one sequence: the product with the summary of the block before, where there is one.
  double flops(int64_t length, bool after_another) const { return after_another ? mix_->flops(length) : 0; }
  int64_t width() const { return gains_SC_.size(1); }

 private:
  at::Tensor gains_SC_;
  std::shared_ptr<Projection> mix_;
};

}  // namespace subband::bypasses
