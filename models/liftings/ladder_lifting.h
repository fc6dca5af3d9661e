// A lifting that is one ladder: `learned` and `linear` differ in their networks alone.
#pragma once
#include "models/liftings/ladder.h"

namespace subband::liftings {

class LadderLifting : public Lifting {
 public:
  LadderLifting(const NetworksConfig& networks, const UntiedConfig& untied, const LiftingContext& context)
      : untied_(untied.untied_reconstruction),
        ladder_(*this, networks, context,
                {.predictions = untied.idle_predictions, .damped = context.stabilizers.lifting_level}) {}

  at::Tensor decompose(const at::Tensor& h_BLC, LayerState* memory) final { return ladder_.decompose(h_BLC, memory); }
  at::Tensor reconstruct(const at::Tensor& z_SBLC) final { return ladder_.reconstruct(z_SBLC); }
  double flops(int64_t length) const final { return ladder_.flops(length); }
  int64_t kept_rows(int64_t length) const final { return ladder_.kept_rows(length); }
  bool untied() const final { return untied_; }

 private:
  bool untied_;
  Ladder ladder_;
};

}  // namespace subband::liftings
