#include "models/layers/padding.h"

#include <ATen/ATen.h>

#include <string>

#include "core/error.h"
#include "core/tensors/expect.h"

namespace subband {

at::Tensor masked(const at::Tensor& x_BL, const at::Tensor& keep_BL) {
  if (!keep_BL.defined()) return x_BL;
  at::Tensor padded = keep_BL.logical_not();
  while (padded.dim() < x_BL.dim()) padded = padded.unsqueeze(-1);
  return x_BL.masked_fill(padded, 0);
}

void expect_right_padding(std::string_view part, const at::Tensor& keep_BL, const at::Tensor& x_BL) {
  if (!keep_BL.defined()) return;
  expect_shape(part, "keep", keep_BL, {x_BL.size(0), x_BL.size(1)});
  real_lengths(part, keep_BL);
}

at::Tensor real_lengths(std::string_view part, const at::Tensor& keep_BL) {
  const int64_t L = keep_BL.size(1);
  if (L > 1) {
    const at::Tensor returns = keep_BL.narrow(1, 1, L - 1) & keep_BL.narrow(1, 0, L - 1).logical_not();
    if (returns.any().item<bool>()) {
      throw ShapeError(std::string(part), "keep: a real token stands right of padding; padding must be last");
    }
  }
  return keep_BL.sum(1);
}

}  // namespace subband
