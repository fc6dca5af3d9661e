// The Walsh-Hadamard transform of all scales together with what stands before and behind it. No CUDA header here.
#pragma once
#include <ATen/core/Tensor.h>

#include <string_view>

namespace subband {

/// y_s = (z_s + pad(gains_s * context)) H, H as in fwht.h, * per channel.
/// Shapes  z [S,B,L,n], context [B,L,C], C <= n, gains [S,C] -> [S,B,L,n]
/// `path`  `auto`, or one of `reference`, `loops` by force; what ran is counted (op_paths.h)
/// Errors  ShapeError when shapes do not fit, or the forced path cannot take them
at::Tensor biased_fwht(const at::Tensor& z_SBLN, const at::Tensor& context_BLC, const at::Tensor& gains_SC,
                       std::string_view path = "auto");

/// y_s = gains_s x_s H.  Shapes  x [S,B,L,n], gains [S] -> [S,B,L,n]
at::Tensor scaled_fwht(const at::Tensor& x_SBLN, const at::Tensor& gains_S, std::string_view path = "auto");

/// z_s + pad(gains_s * context), in plain ATen.
at::Tensor biased(const at::Tensor& z_SBLN, const at::Tensor& context_BLC, const at::Tensor& gains_SC);

namespace biased_fwht_paths {

/// The meanings, in plain ATen.
at::Tensor biased_reference(const at::Tensor& z_SBLN, const at::Tensor& context_BLC,
                            const at::Tensor& gains_SC);
at::Tensor scaled_reference(const at::Tensor& x_SBLN, const at::Tensor& gains_S);

}  // namespace biased_fwht_paths
}  // namespace subband
