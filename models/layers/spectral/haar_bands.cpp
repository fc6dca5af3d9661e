#include "models/layers/spectral/haar_bands.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "models/layers/shift.h"

namespace subband::haar_bands {

static const double kRootHalf = std::sqrt(0.5);

std::vector<at::Tensor> analyse(const at::Tensor& x_BLHK, int64_t levels) {
  const int64_t block = int64_t{1} << levels, missing = (block - x_BLHK.size(1) % block) % block;
  at::Tensor a = missing == 0 ? x_BLHK : at::constant_pad_nd(x_BLHK, {0, 0, 0, 0, 0, missing});
  std::vector<at::Tensor> bands;
  for (int64_t level = 1; level <= levels; ++level) {
    const at::Tensor pairs = a.unflatten(1, {a.size(1) / 2, 2});
    const at::Tensor even = pairs.select(2, 0), odd = pairs.select(2, 1);
    bands.push_back((even - odd) * kRootHalf);
    a = (even + odd) * kRootHalf;
  }
  bands.push_back(a);
  return bands;
}

at::Tensor synthesise(const std::vector<at::Tensor>& bands, int64_t length) {
  at::Tensor a = bands.back();
  for (size_t level = bands.size() - 1; level > 0; --level) {
    const at::Tensor& d = bands[level - 1];
    a = at::stack({(a + d) * kRootHalf, (a - d) * kRootHalf}, 2).flatten(1, 2);
  }
  return a.narrow(1, 0, length);
}

// Column `band` of the gains for `count` coefficients that stand `stride` tokens apart.  -> [B,1 or count,1,1]
static at::Tensor gains_of_band(const at::Tensor& gains_BLS, int64_t band, int64_t count, int64_t stride) {
  at::Tensor column = gains_BLS.select(2, band);
  const int64_t length = column.size(1);
  if (length > 1) {
    // What lies beyond the last token belongs to coefficients of nothing but filled up zeros.
    const auto index = at::TensorOptions(at::kLong).device(column.device());
    column = column.index_select(1, at::arange(count, index).mul(stride).clamp_max(length - 1));
  }
  return column.unsqueeze(-1).unsqueeze(-1);
}

at::Tensor block(const at::Tensor& x_BLHK, const at::Tensor& gains_BLS) {
  const int64_t levels = gains_BLS.size(2) - 1;
  std::vector<at::Tensor> bands = analyse(x_BLHK, levels);
  for (int64_t band = 0; band <= levels; ++band) {
    at::Tensor& each = bands[static_cast<size_t>(band)];
    const int64_t stride = int64_t{1} << std::min(band + 1, levels);
    each = each * gains_of_band(gains_BLS, band, each.size(1), stride);
  }
  return synthesise(bands, x_BLHK.size(1));
}

// Two operations for every value of every level's input, both ways.
double block_flops(int64_t length, int64_t levels, int64_t width) {
  const int64_t block = int64_t{1} << levels, padded = (length + block - 1) / block * block;
  double values = 0;
  for (int64_t level = 0; level < levels; ++level) values += static_cast<double>((padded >> level) * width);
  return 2 * 2 * values;
}

// c of 2^level tokens ago.
static at::Tensor past_of(const at::Tensor& c_BLC, int64_t level, LayerState* memory) {
  const int64_t distance = int64_t{1} << level;
  if (memory == nullptr) return shift(c_BLC, distance);
  RowBuffer& inputs = memory->rows("level." + std::to_string(level), distance);
  const at::Tensor past = inputs.joined(c_BLC, distance, c_BLC.size(1));
  inputs.push(c_BLC);
  return past;
}

at::Tensor causal(const at::Tensor& x_BLHK, const at::Tensor& gains_BLS, LayerState* memory) {
  const int64_t levels = gains_BLS.size(2) - 1;
  at::Tensor c = x_BLHK.flatten(2), y;
  for (int64_t level = 0; level < levels; ++level) {
    const at::Tensor next = (c + past_of(c, level, memory)) * 0.5;
    const at::Tensor term = gains_BLS.select(2, level).unsqueeze(-1) * (c - next);
    y = y.defined() ? y + term : term;
    c = next;
  }
  const at::Tensor rest = gains_BLS.select(2, levels).unsqueeze(-1) * c;
  return (y.defined() ? y + rest : rest).view_as(x_BLHK);
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
