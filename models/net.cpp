#include "models/net.h"

#include <ATen/ops/cross_entropy_loss.h>

namespace subband {

// Half-precision logits are widened first: the sum over a large vocabulary needs it.
at::Tensor Net::loss(const at::Tensor& ids_BL, const at::Tensor& targets_BL) {
  const at::Tensor logits_BLV = forward(ids_BL);
  const at::Tensor logits = logits_BLV.reshape({-1, logits_BLV.size(-1)});
  const bool narrow = logits.element_size() < 4;
  return at::cross_entropy_loss(narrow ? logits.to(at::kFloat) : logits, targets_BL.reshape({-1}));
}

}  // namespace subband
