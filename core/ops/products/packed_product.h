// Matrices of few bits a value, and products that read them as they are kept.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "core/ops/products/packed_form.h"

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

/// y = x Wᵀ + bias, in x's dtype; gradients flow to x and the bias, never to W.
/// Shapes  x [..., columns], bias [rows] or undefined -> y [..., rows]
/// `path`  `auto`, or by force `reference`: unpacked in plain ATen, then a product; `dense`: unpacked by the loops, then
///         a product; `loops`: reads the packed weights (CPU, fp32, no gradient of x or
///         bias); `cuda`: so does the kernel (CUDA, fp32, fp16 or bf16, no gradient)
/// Errors  ShapeError when a shape does not fit, or the forced path cannot take x
at::Tensor packed_product(const at::Tensor& x, const PackedMatrix& matrix, const at::Tensor& bias,
                          std::string_view path = "auto");

/// The path that `auto` takes for such an x; what ran is counted (op_paths.h).
std::string packed_product_path(const at::Tensor& x, const PackedMatrix& matrix, const at::Tensor& bias);

}  // namespace subband
