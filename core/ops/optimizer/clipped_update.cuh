// The bodies of the optimisers' kernels: clipping and the update in one pass over memory, many tensors at once.
//   Adagrad  g' = f g + wd p;  s += g'^2;  p -= lr g' / (sqrt(s) + eps)
//   AdamW    g' = f g;  p -= lr wd p;  m += (1 - b1) (g' - m);  v = b2 v + (1 - b2) g'^2;
//            p -= lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps)
// f clips: min(1, limit / (norm + 1e-6)), read from the device, so that no step waits for the norm.
// Grid  x: pieces of kPiece values, listed on the device
// Plain C++ but for CUDA's words, which core/testing/kernel_grid.h means for the host.
#pragma once
#include <math.h>
#include <stdint.h>

#include "core/ops/optimizer/clipped_update_cuda.h"

namespace subband {
namespace clipped_update_kernel {

__device__ __forceinline__ float clip_factor(const SubbandUpdate& u) {
  if (u.norm == nullptr || u.clip_norm <= 0) return 1.0f;
  const float reached = *u.norm + 1e-6f;
  return reached <= u.clip_norm ? 1.0f : u.clip_norm / reached;  // no number where the norm is none
}

__device__ __forceinline__ void adagrad_body(const SubbandUpdate& u) {
  const SubbandUpdatePiece piece = u.pieces[blockIdx.x];
  const float factor = clip_factor(u);
  for (int64_t i = threadIdx.x; i < piece.count; i += blockDim.x) {
    const float p = piece.parameter[i];
    float g = piece.gradient[i] * factor;
    if (u.weight_decay != 0) g += u.weight_decay * p;
    const float sum = piece.first[i] + g * g;
    piece.first[i] = sum;
    piece.parameter[i] = p - u.rate * g / (sqrtf(sum) + u.eps);
  }
}

/// rate and corrections: of this piece's count of steps t, which every tensor has of its own.
__device__ __forceinline__ void adamw_body(const SubbandUpdate& u) {
  const SubbandUpdatePiece piece = u.pieces[blockIdx.x];
  const float factor = clip_factor(u);
  const float of_first = 1 - powf(u.beta1, *piece.steps), of_second = sqrtf(1 - powf(u.beta2, *piece.steps));
  for (int64_t i = threadIdx.x; i < piece.count; i += blockDim.x) {
    const float g = piece.gradient[i] * factor;
    float p = piece.parameter[i];
    p -= u.rate * u.weight_decay * p;
    const float m = piece.first[i] + (1 - u.beta1) * (g - piece.first[i]);
    const float v = u.beta2 * piece.second[i] + (1 - u.beta2) * g * g;
    piece.first[i] = m, piece.second[i] = v;
    piece.parameter[i] = p - u.rate / of_first * m / (sqrtf(v) / of_second + u.eps);
  }
}

}  // namespace clipped_update_kernel
}  // namespace subband
