// From weights to few bits: the grid of scales and zeros, and rounding to its nearest point.
//   symmetric     scale = max(|w|, 1e-8) / (2^(b-1) - 1),  q = round(w / scale) in [-2^(b-1), 2^(b-1) - 1]
//   with zeros    scale = (hi - lo) / (2^b - 1),  zero = round(-lo / scale),  lo = min(w, 0), hi = max(w, 0)
// Halves go to the even number. The scale is rounded first to how it is kept, fp16 where groups have one.
// Source  WaveletLM's quantisation after training (per row and per table), and GPTQ's grid (groups, zeros)
#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

#include "core/ops/products/packed_product.h"

namespace subband {

/// Of one group of every row, in fp64; zeros are whole numbers in two's complement, 0 where symmetric.
struct Grid {
  at::Tensor scale_R1, zero_R1;
};

/// The grid of these columns of all rows; of the whole matrix where the form has one scale.
/// Shapes  w [R, n] -> [R,1] each
Grid grid_of(const at::Tensor& w_RN, const PackedForm& form);
/// Whole numbers of the form's bits, in w's dtype.
at::Tensor rounded(const at::Tensor& w_RN, const Grid& grid, int bits);
/// What they stand for.
at::Tensor on_grid(const at::Tensor& q_RN, const Grid& grid);

/// Packs every value as the nearest point of its group's grid.  Shapes  weight [rows, columns], fp32 or fp64
PackedMatrix round_to_nearest(const at::Tensor& weight_RC, const PackedForm& form);
/// Packs whole numbers with the grids of their groups, in order.
PackedMatrix packed_on(const PackedForm& form, const at::Tensor& q_RC, const std::vector<Grid>& grids);

}  // namespace subband
