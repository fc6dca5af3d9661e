// Rounding with error feedback (GPTQ): columns are rounded from left to right, and what a column loses is made up for by
// those that are not rounded yet, as far as the inputs that were seen allow.
//   q_i = grid(w_i),  e = (w_i - q_i) / U_ii,  w_j -= e U_ij for j > i,  UᵀU = (H + λI)⁻¹,  H = Σ x xᵀ,  λ = 1 % of H's mean
//   diagonal. The error that it lowers: tr((W - Q) H (W - Q)ᵀ), the squared change of the outputs.
// Scales are those of the weights as they came, of a group as it stands when its first column's turn comes.
// Cost    columns³ + rows columns² operations, columns² numbers
// Source  Frantar et al., arXiv 2210.17323
#pragma once
#include <ATen/core/Tensor.h>

#include "core/ops/products/packed_product.h"

namespace subband {

/// tr((W - Q) H (W - Q)ᵀ)
double output_error(const at::Tensor& weight_RC, const at::Tensor& rounded_RC, const at::Tensor& hessian_CC);

/// Packs with error feedback, or rounds to nearest where that changes the outputs less. Inputs that were never other than
/// zero leave their columns to rounding.
/// Shapes  weight [rows, columns], hessian [columns, columns], a sum of x xᵀ over inputs
PackedMatrix with_error_feedback(const at::Tensor& weight_RC, const at::Tensor& hessian_CC,
                                 const PackedForm& form);

}  // namespace subband
