#include "models/quantisation/rounding.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

namespace subband {

namespace {

constexpr double kSmallestRange = 1e-8;
constexpr double kLargestHalf = 65504;

// As it is kept; one that vanishes there has nothing but zeros.
at::Tensor as_kept(const at::Tensor& scale, const PackedForm& form) {
  if (!form.has_groups()) return scale.to(at::kFloat).to(at::kDouble);
  return scale.clamp_max(kLargestHalf).to(at::kHalf).to(at::kDouble);
}

at::Tensor not_zero(const at::Tensor& scale) { return scale.masked_fill(scale == 0, 1); }

}  // namespace

Grid grid_of(const at::Tensor& w_RN, const PackedForm& form) {
  const double above = static_cast<double>((int64_t{1} << (form.bits - 1)) - 1);
  const bool whole = form.group == PackedForm::kTensor;
  const at::Tensor w = w_RN.to(at::kDouble);
  const auto extreme = [&](const at::Tensor& low_or_high, bool largest) {
    const at::Tensor of_rows = largest ? low_or_high.amax({1}, true) : low_or_high.amin({1}, true);
    return whole ? (largest ? of_rows.max() : of_rows.min()).expand_as(of_rows) : of_rows;
  };
  if (form.symmetric) {
    const at::Tensor scale = extreme(w.abs(), true).clamp_min(kSmallestRange).div(above);
    return {as_kept(scale, form), at::zeros_like(scale)};
  }
  const at::Tensor low = extreme(w, false).clamp_max(0), high = extreme(w, true).clamp_min(0);
  const at::Tensor scale = as_kept((high - low).clamp_min(kSmallestRange).div(2 * above + 1), form);
  const at::Tensor zero = (-low / not_zero(scale)).round().clamp(0, 2 * above + 1).sub(above + 1);
  return {scale, zero};
}

at::Tensor rounded(const at::Tensor& w_RN, const Grid& grid, int bits) {
  const double below = static_cast<double>(int64_t{1} << (bits - 1));
  return (w_RN / not_zero(grid.scale_R1)).round().add(grid.zero_R1).clamp(-below, below - 1);
}

at::Tensor on_grid(const at::Tensor& q_RN, const Grid& grid) { return (q_RN - grid.zero_R1) * grid.scale_R1; }

PackedMatrix packed_on(const PackedForm& form, const at::Tensor& q_RC, const std::vector<Grid>& grids) {
  std::vector<at::Tensor> scales, zeros;
  for (const Grid& grid : grids) {
    scales.push_back(grid.scale_R1.narrow(0, 0, form.scale_rows()));
    zeros.push_back(grid.zero_R1.narrow(0, 0, form.scale_rows()));
  }
  return packed_matrix(form, q_RC.to(at::kChar), at::cat(scales, 1), at::cat(zeros, 1));
}

PackedMatrix round_to_nearest(const at::Tensor& weight_RC, const PackedForm& form) {
  const at::Tensor w = weight_RC.to(at::kDouble);
  const int64_t width = form.has_groups() ? form.group : form.columns;
  std::vector<at::Tensor> values;
  std::vector<Grid> grids;
  for (int64_t first = 0; first < form.columns; first += width) {
    const at::Tensor group = w.narrow(1, first, std::min(width, form.columns - first));
    grids.push_back(grid_of(group, form));
    values.push_back(rounded(group, grids.back(), form.bits));
  }
  return packed_on(form, at::cat(values, 1), grids);
}

}  // namespace subband
