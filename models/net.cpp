#include "models/net.h"

#include <ATen/ops/cross_entropy_loss.h>

#include <string>

namespace subband {

at::Tensor Net::loss(const at::Tensor& ids_BL, const at::Tensor& targets_BL, const Pass& pass) {
  return mean_cross_entropy(forward(ids_BL, pass), targets_BL);
}

// Half-precision logits are widened first: the sum over a large vocabulary needs it.
at::Tensor Net::mean_cross_entropy(const at::Tensor& logits_BLV, const at::Tensor& targets_BL) {
  const at::Tensor logits = logits_BLV.reshape({-1, logits_BLV.size(-1)});
  const bool narrow = logits.element_size() < 4;
  return at::cross_entropy_loss(narrow ? logits.to(at::kFloat) : logits, targets_BL.reshape({-1}));
}

void expect_plain_pass(std::string_view part, const at::Tensor& ids_BL, const Pass& pass) {
  expect_shape(part, "ids", ids_BL, {pass.batch(), kAny});
  if (pass.keep_BL.defined()) throw ShapeError(std::string(part), "keep: this net takes no padding");
  if (pass.hidden != nullptr)
    throw ShapeError(std::string(part), "hidden: this net does not show what stands inside");
}

}  // namespace subband
