#include "models/bypasses/history.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/constant_pad_nd.h>

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

at::Tensor History::apply(const at::Tensor& z_SBLC, const at::Tensor& summary_BLC,
                          const at::Tensor& previous) const {
  at::Tensor context = summary_BLC;  // fp32 at least, whatever the weights are
  if (previous.defined())
    context = context + mix_->forward(previous.to(mix_->type())).to(context.scalar_type());
  at::Tensor gains = gains_SC_;
  const int64_t padding = z_SBLC.size(-1) - context.size(-1);
  if (padding > 0) {
    context = at::constant_pad_nd(context, {0, padding});
    gains = at::constant_pad_nd(gains, {0, padding});
  }
  return at::addcmul(z_SBLC, context.unsqueeze(0), gains.unsqueeze(1).unsqueeze(1));
}

}  // namespace subband::bypasses
