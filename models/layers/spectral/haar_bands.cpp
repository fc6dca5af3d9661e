#include "models/layers/spectral/haar_bands.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>

#include "core/ops/op_paths.h"

namespace subband::haar_bands {

static at::Tensor gated(const at::Tensor& x_BLHK, const at::Tensor& gains_BLS, const HaarPlan& plan) {
  return gated_haar(x_BLHK.flatten(2), gains_BLS, plan).view(x_BLHK.sizes());
}

at::Tensor block(const at::Tensor& x_BLHK, const at::Tensor& gains_BLS, BandActivation f) {
  return gated(x_BLHK, gains_BLS, {.is_causal = false, .f = f});
}

// Two operations for every value of every level's input, both ways.
double block_flops(int64_t length, int64_t levels, int64_t width) {
  const int64_t block = int64_t{1} << levels, padded = (length + block - 1) / block * block;
  double values = 0;
  for (int64_t level = 0; level < levels; ++level) values += static_cast<double>((padded >> level) * width);
  return 2 * 2 * values;
}

// One token or more of a sequence whose last inputs the memory keeps.
static at::Tensor continued(const at::Tensor& x_BLC, const at::Tensor& gains_BLS, LayerState& memory) {
  const int64_t levels = gains_BLS.size(2) - 1;
  at::Tensor c = x_BLC, y;
  for (int64_t level = 0; level < levels; ++level) {
    const int64_t distance = int64_t{1} << level;
    RowBuffer& inputs = memory.rows("level." + std::to_string(level), distance);
    const at::Tensor past = inputs.joined(c, distance, c.size(1));
    inputs.push(c);
    const at::Tensor next = (c + past) * 0.5;
    const at::Tensor term = gains_BLS.narrow(2, level, 1) * (c - next);
    y = y.defined() ? y + term : term;
    c = next;
  }
  const at::Tensor rest = gains_BLS.narrow(2, levels, 1) * c;
  return y.defined() ? y + rest : rest;
}

at::Tensor causal(const at::Tensor& x_BLHK, const at::Tensor& gains_BLS, LayerState* memory, BandActivation f) {
  if (memory == nullptr) return gated(x_BLHK, gains_BLS, {.is_causal = true, .f = f});
  count_op("gated_haar", "reference", "a state: the loops take whole windows");
  const at::Tensor x = f == BandActivation::gelu ? at::gelu(x_BLHK) : x_BLHK;
  return continued(x.flatten(2), gains_BLS, *memory).view(x_BLHK.sizes());
}

// Mean, difference, gain and sum.
double causal_flops(int64_t length, int64_t levels, int64_t width) {
  return 5 * static_cast<double>(length * levels * width);
}

int64_t causal_state(int64_t length, int64_t levels, int64_t width) {
  int64_t rows = 0;
  for (int64_t level = 0; level < levels; ++level) rows += std::min(length, int64_t{1} << level);
  return rows * width;
}

}  // namespace subband::haar_bands
