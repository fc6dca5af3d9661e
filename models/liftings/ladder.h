// A ladder of lifting steps with learned networks: what a learned lifting is, and what multi_basis blends.
#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>

#include "models/lifting.h"
#include "models/liftings/networks.h"
#include "models/module.h"

namespace subband::liftings {

/// The field that `learned`, `linear` and `multi_basis` share.
struct UntiedConfig {
  bool untied_reconstruction = false;
  bool idle_predictions = false;

  void bind(Binder& b);
};

class Ladder {
 public:
  /// Registers `dilation`, `predict` and `update` in `owner`. Where the context has no
  /// dilation this one only reconstructs, and has predictions only if they are to be idle.
  Ladder(Module& owner, const NetworksConfig& config, const LiftingContext& context,
         Networks::Options options);

  at::Tensor decompose(const at::Tensor& h_BLC, LayerState* memory) const;  ///< Shapes  h [B,L,C] -> z [S,B,L,C]
  at::Tensor reconstruct(const at::Tensor& z_SBLC) const;  ///< Shapes  z [S,B,L,C] -> h [B,L,C]
  double flops(int64_t length) const {
    return networks_->flops(length);
  }  ///< of both ways, as Lifting::flops
  int64_t kept_rows(int64_t length) const { return dilation_->kept_rows(levels_, length); }

 private:
  bool begins(LayerState* memory) const;
  struct AllLevels {
    std::vector<LiftingNetwork> predictions, updates;
    at::Tensor taps_LK;
  };
  at::Tensor at_once(const at::Tensor& h_BLC, const AllLevels& all, LayerState* memory) const;

  int64_t levels_;
  std::shared_ptr<Dilation> dilation_;
  std::optional<Networks> networks_;
};

}  // namespace subband::liftings
