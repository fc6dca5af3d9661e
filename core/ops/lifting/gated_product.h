// A gated linear map with a low-rank path beside the gate, for many scales at once. No CUDA header here.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace subband {

/// What one scale is mapped with; U, V and bias may be undefined.
struct GatedMatrices {
  at::Tensor m_WW, k_WW, u_WR, v_WR, bias_W;
};

enum class GateKind { sigmoid, silu, gelu, relu };

/// y_s = (x_s M_s') * act(x_s K_s') + (x_s V_s) U_s' + b_s, with ' for the transpose.
/// Shapes  x [S,...,W] -> [S,...,W]; all scales have the same matrices, of one rank
/// `path`  `auto`, or one of `reference`, `loops` by force; what ran is counted (op_paths.h)
/// Errors  ShapeError when shapes differ, or the forced path cannot take x
at::Tensor gated_product(const at::Tensor& x_SW, const std::vector<GatedMatrices>& scales, GateKind gate,
                         std::string_view path = "auto");

namespace gated_product_paths {

/// The meaning, in plain ATen: batched products.
at::Tensor reference(const at::Tensor& x_SW, const std::vector<GatedMatrices>& scales, GateKind gate);

/// Rows of `columns` values; the products with M and K lie side by side in rows of 2 `columns`.
struct Rows {
  int64_t rows, columns;
};
/// y = m act(k) + bias; `bias` may be null.
void gate_rows(const Rows& rows, GateKind gate, const float* mk, const float* bias, float* y);
/// From g = dy the gradients of m and k, side by side; adds the rows of g to sums [columns] unless that is null.
void gate_rows_backward(const Rows& rows, GateKind gate, const float* mk, const float* g, float* of_mk,
                        float* sums);

}  // namespace gated_product_paths
}  // namespace subband
