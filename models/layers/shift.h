// The causal shift.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace subband {

/// y[t] = x[t - distance], zero before the window; all zero when the window is not longer than `distance`.
/// Shapes  x [B,L,C], distance >= 0 -> [B,L,C]
at::Tensor shift(const at::Tensor& x_BLC, int64_t distance);

}  // namespace subband
