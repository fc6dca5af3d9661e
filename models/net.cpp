#include "models/net.h"

#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/stack.h>

#include "core/error.h"

namespace subband {

at::Tensor Net::classify(const at::Tensor&, const at::Tensor&) {
  throw ShapeError("net", "answers for every position, not for whole sequences; choose classifier");
}

int64_t NetState::bytes() const {
  int64_t sum = 0;
  for (const MixerState& layer : layers) sum += layer.bytes();
  return sum;
}

at::Tensor Net::forward_pass(const at::Tensor& ids_BL, const NetPass& pass) {
  if (pass.keep_BL.defined()) throw ShapeError("net", "keep: this one takes no padding");
  if (pass.hidden != nullptr) throw ShapeError("net", "hidden: this one does not show what stands inside");
  return forward(ids_BL);
}

at::Tensor Net::step(const at::Tensor&, NetState&) {
  throw ShapeError("net", "step: this one does not decode token by token; feed the whole prefix to forward");
}

at::Tensor Net::loss(const at::Tensor& ids_BL, const at::Tensor& targets_BL) {
  return mean_cross_entropy(forward(ids_BL), targets_BL);
}

at::Tensor Net::extend(const at::Tensor& ids_BL, NetState& state) {
  std::vector<at::Tensor> logits;
  for (const at::Tensor& ids_B : ids_BL.unbind(1)) logits.push_back(step(ids_B, state));
  return at::stack(logits, 1);
}

// Half-precision logits are widened first: the sum over a large vocabulary needs it.
at::Tensor Net::mean_cross_entropy(const at::Tensor& logits_BLV, const at::Tensor& targets_BL) {
  const at::Tensor logits = logits_BLV.reshape({-1, logits_BLV.size(-1)});
  const bool narrow = logits.element_size() < 4;
  return at::cross_entropy_loss(narrow ? logits.to(at::kFloat) : logits, targets_BL.reshape({-1}));
}

}  // namespace subband
