#include "models/bypasses/history.h"

#include <ATen/TensorOperators.h>

namespace subband::bypasses {

void HistoryConfig::bind(Binder& b) {
  b.field("cross_window", cross_window,
          "the last summary of a window goes on to the next batch, related or not "
          "(original: decompose_bypass_cross_window)");
}

History::History(Module& owner, const BlockContext& context) {
  Initializer& initializer = *context.initializer;
  const int64_t width = context.width;
  gains_SC_ =
      owner.add_parameter("gains", initializer.zeros({context.scales(), width}), {.role = Role::gain});
  const ProjectionPlan plan{.purpose = {.role = Role::input_projection, .own_start = true},
                            .in = width,
                            .out = width,
                            .bias = false};
  mix_ = owner.register_module("mix", std::make_shared<Projection>(initializer, plan));
  mix_->first_weight().copy_(initializer.eye(width, width).mul_(0.5));
}

ScaleBias History::bias(const at::Tensor& summary_BLC, const at::Tensor& previous) const {
  at::Tensor context = summary_BLC;  // fp32 at least, whatever the weights are
  if (previous.defined())
    context = context + mix_->forward(previous.to(mix_->type())).to(context.scalar_type());
  return {context, gains_SC_};
}

}  // namespace subband::bypasses
