#include "models/liftings/steps.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>

#include <cmath>
#include <string>
#include <vector>

namespace subband::liftings {

RowBuffer* inputs_of_level(LayerState* memory, const Dilation& dilation, int64_t level) {
  return memory ? &memory->rows("level." + std::to_string(level), dilation.reach(level)) : nullptr;
}

at::Tensor analyse(const at::Tensor& h_BLC, Dilation& dilation, const LadderSteps& steps, LayerState* memory) {
  const int64_t levels = steps.levels;
  const double root_half = 1 / std::sqrt(2.0);
  std::vector<at::Tensor> scales(static_cast<size_t>(levels) + 1);
  at::Tensor c = h_BLC;
  for (int64_t level = 0; level < levels; ++level) {
    const at::Tensor past = dilation.past(c, level, inputs_of_level(memory, dilation, level));
    const at::Tensor detail = (past - steps.predict(c, level)) * root_half;
    c = (c + steps.update(detail, level)) * root_half;
    scales[static_cast<size_t>(levels - level)] = detail;
  }
  scales[0] = c;
  return at::stack(scales);
}

at::Tensor synthesise(const at::Tensor& z_SBLC, const AllLevels& updates_of) {
  const int64_t levels = z_SBLC.size(0) - 1;
  const auto parts = z_SBLC.split_with_sizes({1, levels});
  at::Tensor c = parts[0].squeeze(0);
  for (const at::Tensor& update : updates_of(parts[1]).unbind(0)) c = c * std::sqrt(2.0) - update;
  return c;
}

}  // namespace subband::liftings
