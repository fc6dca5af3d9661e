// Matrices of few bits a value.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

#include "core/ops/products/packed_form.h"
#include "core/ops/products/packed_product_loops.h"

namespace subband {

struct PackedMatrix {
  PackedForm form;
  at::Tensor codes;   ///< uint8 [rows, row_bytes]
  at::Tensor scales;  ///< [scale_rows, groups], fp32, or fp16 where groups have them
  at::Tensor zeros;   ///< int8 alike; undefined: symmetric

  PackedMatrix to(c10::Device device) const;
};

/// Packs whole numbers, int8 [rows, columns], each of form.bits bits in two's complement.
PackedMatrix packed_matrix(const PackedForm& form, const at::Tensor& values_RC, const at::Tensor& scales,
                           const at::Tensor& zeros);
/// The whole numbers again, int8 [rows, columns].
at::Tensor packed_values(const PackedMatrix& matrix);
/// W [rows, columns] of this dtype, on the matrix's device; `path` as packed_product's.
at::Tensor unpacked(const PackedMatrix& matrix, c10::ScalarType type, std::string_view path = "auto");
/// Rows of W by their numbers.  Shapes  ids [...] int64 -> [..., columns]
at::Tensor packed_rows(const PackedMatrix& matrix, const at::Tensor& ids, c10::ScalarType type);

namespace packed_product_paths {
PackedView view_of(const PackedMatrix& matrix);
/// Rows that are worth another thread.
int64_t rows_a_thread(const PackedForm& form);
/// W by plain ATen, and by the loops: CPU, fp32.
at::Tensor unpacked_reference(const PackedMatrix& matrix, c10::ScalarType type);
at::Tensor unpacked_by_loops(const PackedMatrix& matrix);
}  // namespace packed_product_paths

}  // namespace subband
