#include "models/net.h"

#include <ATen/ops/cross_entropy_loss.h>

#include "core/error.h"

namespace subband {

at::Tensor Net::classify(const at::Tensor&, const at::Tensor&) {
  throw ShapeError("net", "answers for every position, not for whole sequences; choose classifier");
}

at::Tensor Net::loss(const at::Tensor& ids_BL, const at::Tensor& targets_BL) {
  return mean_cross_entropy(forward(ids_BL), targets_BL);
}

// Half-precision logits are widened first: the sum over a large vocabulary needs it.
at::Tensor Net::mean_cross_entropy(const at::Tensor& logits_BLV, const at::Tensor& targets_BL) {
  const at::Tensor logits = logits_BLV.reshape({-1, logits_BLV.size(-1)});
  const bool narrow = logits.element_size() < 4;
  return at::cross_entropy_loss(narrow ? logits.to(at::kFloat) : logits, targets_BL.reshape({-1}));
}

}  // namespace subband
