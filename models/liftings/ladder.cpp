#include "models/liftings/ladder.h"

#include <ATen/ops/stack.h>
#include <c10/core/GradMode.h>

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
  const std::vector<LiftingNetwork> updates = networks_->updates();
  if (!updates.empty() && begins(memory)) {
    const std::vector<LiftingNetwork> predictions = networks_->predictions();
    const auto taps = dilation_->taps();
    if (!predictions.empty() && taps) return at_once(h_BLC, {predictions, updates, *taps}, memory);
  }
  const auto predict = [this](const at::Tensor& c, int64_t level) { return networks_->predict(c, level); };
  const auto update = [this](const at::Tensor& d, int64_t level) { return networks_->update(d, level); };
  return analyse(h_BLC, *dilation_, {levels_, predict, update}, memory);
}

// Whether nothing went before, and no gradient is to flow from a later window through what is kept of this one.
bool Ladder::begins(LayerState* memory) const {
  if (memory && c10::GradMode::is_enabled()) return false;
  for (int64_t level = 0; memory && level < levels_; ++level)
    if (inputs_of_level(memory, *dilation_, level)->kept_rows() > 0) return false;
  return true;
}

at::Tensor Ladder::at_once(const at::Tensor& h_BLC, const AllLevels& all, LayerState* memory) const {
  std::vector<at::Tensor> inputs;
  LiftingPast past{.first = {}, .weights_LK = all.taps_LK, .inputs = memory ? &inputs : nullptr};
  for (int64_t level = 0; level < levels_; ++level) past.first.push_back(dilation_->nearest(level));
  at::Tensor z = lifting_analysis(h_BLC, all.predictions, all.updates, past);
  for (size_t level = 0; level < inputs.size(); ++level)
    inputs_of_level(memory, *dilation_, static_cast<int64_t>(level))->push(inputs[level]);
  return z;
}

at::Tensor Ladder::reconstruct(const at::Tensor& z_SBLC) const {
  if (const auto updates = networks_->updates(); !updates.empty()) return lifting_synthesis(z_SBLC, updates);
  return synthesise(z_SBLC, [this](const at::Tensor& details) {
    std::vector<at::Tensor> updates = details.unbind(0);
    for (size_t i = 0; i < updates.size(); ++i)
      updates[i] = networks_->update(updates[i], levels_ - 1 - static_cast<int64_t>(i));
    return at::stack(updates);
  });
}

}  // namespace subband::liftings
