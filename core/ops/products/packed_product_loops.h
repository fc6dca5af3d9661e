// The CPU loops of packed_product: plain pointers, compiled for several instruction sets at once.
#pragma once
#include <cstdint>

#include "core/ops/products/packed_form.h"

namespace subband::packed_product_paths {

/// A packed matrix.
struct PackedView {
  PackedForm form;
  const uint8_t* codes = nullptr;
  const float* scales = nullptr;           ///< of the matrix or of its rows; null where groups have them
  const uint16_t* group_scales = nullptr;  ///< fp16 [rows, groups]
  const int8_t* zeros = nullptr;           ///< as the scales; null: symmetric
};

/// What it is multiplied with, [count, stride], zeros from `columns` to the end of the last block.
struct PackedInputs {
  const float* x = nullptr;
  int64_t count = 1, stride = 0;
  const float* sums = nullptr;  ///< [count, groups] of every input's groups; null where symmetric
  float* y = nullptr;           ///< [count, rows]
};

/// Rows of the matrix.
struct RowSpan {
  int64_t first = 0, last = 0;
};

/// y[n,r] = sum_c W[r,c] x[n,c] of some rows. A row's sum does not depend on which others are asked for with it.
void loops(const PackedView& matrix, const PackedInputs& inputs, RowSpan rows);
/// W of some rows, [last - first, columns].
void unpack_loops(const PackedView& matrix, RowSpan rows, float* dense);
/// The instruction set that both take here: `AVX3`, which is AVX-512, `AVX2`, …
const char* loops_instructions();

}  // namespace subband::packed_product_paths
