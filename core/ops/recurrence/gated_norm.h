// What stands behind the heads of a recurrent mixer: a norm of every head, times a gate. No LibTorch header here.
#pragma once
#include <cstdint>
#include <string_view>

namespace at {
class Tensor;
}

namespace subband {

/// y = x / sqrt(mean(x²) + ε) ⊙ gain ⊙ silu(z), the mean over a head
/// Shapes  x [B,L,H,V], gain [V] or undefined, z [B,L,H V] -> [B,L,H V], in the type of z
/// `path`  `auto`, or one of `reference`, `loops` (CPU, fp32) by force; what ran is counted (op_paths.h)
/// Errors  ShapeError when a shape does not fit, or the forced path cannot take the input
at::Tensor gated_norm(const at::Tensor& x_BLHV, const at::Tensor& gain_V, const at::Tensor& z_BLC, double epsilon,
                      std::string_view path = "auto");

namespace gated_norm_paths {

/// The meaning, in plain ATen.
at::Tensor reference(const at::Tensor& x_BLHV, const at::Tensor& gain_V, const at::Tensor& z_BLC, double epsilon);

/// Rows of V values without gaps; gain null: 1.
struct NormRows {
  int64_t count, width;
  float epsilon;
  const float *x, *gain, *z;
};
/// gated_norm_loops.cpp: CPU.
void loops(const NormRows& rows, float* y);
/// Adds to `of_gain` (null where there is none).
void loops_backward(const NormRows& rows, const float* g, float* of_x, float* of_z, float* of_gain);

}  // namespace gated_norm_paths
}  // namespace subband
