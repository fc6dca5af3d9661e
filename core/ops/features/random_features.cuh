// The bodies of the kernels that make products with random rows into features, and gradients of features into those of
// products. Blocks of whole warps take a row each, but where a thread takes a value.
//   logarithms   p <- scale p - |scale x|²/2, and the largest of the row; x null: no norm
//   peaks        c[b,t,g] = max(c[b,t-1,g], largest[b,t,g]), decay = c[b,t-1,g] - c[b,t,g]
// Shapes  x, of_x [N,K], p, f, g, of_p [N,M], N = B L G rows; largest, c, decay, sums [N]; fp32. Shared  a float per warp
// Plain C++ but for CUDA's words, which core/testing/kernel_grid.h means for the host.
#pragma once
#include <math.h>
#include <stdint.h>

#include "core/ops/cuda_sums.cuh"

namespace subband {
namespace random_features_kernel {

struct Rows {
  int64_t count, width, features;
  float scale;
};

__device__ __forceinline__ void rectify_body(const Rows& r, float* __restrict__ p) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at >= r.count * r.features) return;
  const float own = p[at];
  p[at] = own <= 0 ? 0.0f : r.scale * own;
}

__device__ __forceinline__ void logarithms_body(const Rows& r, const float* __restrict__ x, float* __restrict__ p,
                                                float* __restrict__ largest, float* shared) {
  const int64_t row = blockIdx.x;
  float norm = 0;
  if (x) {
    for (int64_t k = threadIdx.x; k < r.width; k += blockDim.x) norm += x[row * r.width + k] * x[row * r.width + k];
    norm = 0.5f * r.scale * r.scale * cuda_sums::block_sum(norm, shared);
  }
  float most = -INFINITY;
  for (int64_t m = threadIdx.x; m < r.features; m += blockDim.x) {
    float& own = p[row * r.features + m];
    own = r.scale * own - norm;
    most = cuda_sums::larger(most, own);
  }
  most = cuda_sums::block_largest(most, shared);
  if (threadIdx.x == 0) largest[row] = most;
}

struct Peaks {
  const float *before, *largest;  ///< before [B,G], or null
  float *c, *decay;
};

/// A thread a group of a sequence.
__device__ __forceinline__ void peaks_body(int64_t batch, int64_t length, int64_t groups, const Peaks& peaks) {
  const int64_t own = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (own >= batch * groups) return;
  int64_t at = own / groups * length * groups + own % groups;
  float c = peaks.before ? peaks.before[own] : peaks.largest[at];
  for (int64_t t = 0; t < length; ++t, at += groups) {
    const float next = cuda_sums::larger(c, peaks.largest[at]);
    peaks.c[at] = next;
    peaks.decay[at] = c - next;
    c = next;
  }
}

__device__ __forceinline__ void exponentiate_body(const Rows& r, const float* __restrict__ c, float* __restrict__ log) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at < r.count * r.features) log[at] = expf(log[at] - c[at / r.features]);
}

/// `rectified`: the features are; else exponentials, whose sums are of use to norms_body.
template <bool rectified>
__device__ __forceinline__ void backward_body(const Rows& r, const float* __restrict__ f, const float* __restrict__ g,
                                              float* __restrict__ of_p, float* __restrict__ sums, float* shared) {
  const int64_t row = blockIdx.x;
  float sum = 0;
  for (int64_t m = threadIdx.x; m < r.features; m += blockDim.x) {
    const int64_t at = row * r.features + m;
    const float of_own = rectified ? (f[at] <= 0 ? 0.0f : r.scale * g[at]) : r.scale * f[at] * g[at];
    of_p[at] = of_own;
    sum += of_own;
  }
  sum = cuda_sums::block_sum(sum, shared);
  if (threadIdx.x == 0) sums[row] = sum;
}

__device__ __forceinline__ void norms_body(const Rows& r, const float* __restrict__ x, const float* __restrict__ sums,
                                           float* __restrict__ of_x) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at < r.count * r.width) of_x[at] -= r.scale * x[at] * sums[at / r.width];
}

}  // namespace random_features_kernel
}  // namespace subband
