#include "models/liftings/ladder.h"

#include <ATen/ops/stack.h>

#include <vector>

#include "models/liftings/steps.h"

namespace subband::liftings {

void UntiedConfig::bind(Binder& b) {
  b.field("untied_reconstruction", untied_reconstruction,
          "every block has a second set of networks for the way back");
  b.field("idle_predictions", idle_predictions,
          "that second set has predictions too, which nothing reads and nothing trains, as in the original; "
          "they are drawn and count as parameters");
  b.check(!idle_predictions || untied_reconstruction, "idle_predictions", "needs untied_reconstruction");
}

Ladder::Ladder(Module& owner, const NetworksConfig& config, const LiftingContext& context,
               Networks::Options options)
    : levels_(context.levels) {
  if (context.dilation) {
    dilation_ = owner.register_module("dilation", context.dilation->make(context));
    options.predictions = true;
  }
  networks_.emplace(owner, config, context, options);
}

at::Tensor Ladder::decompose(const at::Tensor& h_BLC, LayerState* memory) const {
  const auto predict = [this](const at::Tensor& c, int64_t level) { return networks_->predict(c, level); };
  const auto update = [this](const at::Tensor& d, int64_t level) { return networks_->update(d, level); };
  return analyse(h_BLC, *dilation_, {levels_, predict, update}, memory);
}

at::Tensor Ladder::reconstruct(const at::Tensor& z_SBLC) const {
  return synthesise(z_SBLC, [this](const at::Tensor& details) {
    std::vector<at::Tensor> updates = details.unbind(0);
    for (size_t i = 0; i < updates.size(); ++i)
      updates[i] = networks_->update(updates[i], levels_ - 1 - static_cast<int64_t>(i));
    return at::stack(updates);
  });
}

}  // namespace subband::liftings
