// Products with matrices of few bits a value, which read them as they are kept.
#pragma once
#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>

#include "core/ops/products/packed_matrix.h"

namespace subband {

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
