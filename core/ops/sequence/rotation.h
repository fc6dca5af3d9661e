// Rotary positions: pairs of channels, each rotated by an angle of its position. No LibTorch header here.
#pragma once
#include <cstdint>
#include <string_view>

namespace at {
class Tensor;
}

namespace subband {

/// Which channels are rotated together: p and P + p, or 2 p and 2 p + 1.
enum class Pairing { half, interleaved };

/// (a, b) -> (a cos - b sin, b cos + a sin), in every path with the same bits
/// Shapes  x [B,L,H,2 P], cos and sin [L,P] in the type of x, constant to gradients -> [B,L,H,2 P]
/// `path`  `auto`, or one of `reference`, `loops` (CPU, fp32) by force; what ran is counted (op_paths.h)
/// Errors  ShapeError when a shape does not fit, or the forced path cannot take the input
at::Tensor rotation(const at::Tensor& x_BLHK, const at::Tensor& cos_LP, const at::Tensor& sin_LP, Pairing pairing,
                    std::string_view path = "auto");

namespace rotation_paths {

/// The meaning, in plain ATen.
at::Tensor reference(const at::Tensor& x_BLHK, const at::Tensor& cos_LP, const at::Tensor& sin_LP, Pairing pairing);

/// Heads of one position, [H,2 P] without gaps; `back`: rotated by the negative angles.
struct Position {
  int64_t heads, pairs;
  const float *cos, *sin;
  Pairing pairing;
  bool back;
};
/// rotation_loops.cpp: CPU.
void loops(const Position& position, const float* x, float* y);

}  // namespace rotation_paths
}  // namespace subband
