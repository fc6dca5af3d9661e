#include "models/mixer.h"

#include <ATen/ops/stack.h>

#include <vector>

#include "core/error.h"
#include "core/tensors/expect.h"

namespace subband {

int64_t MixerState::bytes() const {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) {
    bytes += tensor.numel() / tensor.size(0) * static_cast<int64_t>(tensor.element_size());
  }
  return bytes;
}

at::Tensor Mixer::step(const at::Tensor&, MixerState&) {
  throw ShapeError("mixer",
                   "step: this one does not decode token by token; feed the whole prefix to forward");
}

at::Tensor Mixer::extend(const at::Tensor& x_BLD, MixerState& state) {
  expect_shape("mixer", "x", x_BLD, {kAny, kAny, kAny});
  std::vector<at::Tensor> rows;
  for (int64_t t = 0; t < x_BLD.size(1); ++t) rows.push_back(step(x_BLD.select(1, t), state));
  return rows.empty() ? x_BLD : at::stack(rows, 1);
}

}  // namespace subband
