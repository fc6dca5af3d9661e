// The bodies of the causal Haar bands' kernels. With d_0 = g_0, d_l = g_l - g_{l-1} and means c_l[t] of f(x) over the last
// 2^l tokens, y[t] = sum_l d_l[t] c_l[t]; a thread an output, which reads the 2^levels inputs that it depends on.
// Shapes  x, y, g, of_x [B,L,C], gains [B,L,S] or [B,1,S], of_gains [B,L,S]; fp32, S at most kMostBands
// Grid    x: outputs (bands_body, inputs_body); tokens (gains_body), whose threads share the channels. Shared  a float per warp
// Plain C++ but for CUDA's words, which core/testing/kernel_grid.h means for the host.
#pragma once
#include <math.h>
#include <stdint.h>

#include "core/ops/cuda_sums.cuh"

namespace subband {
namespace gated_haar_kernel {

constexpr int kMostBands = 7;

struct Extent {
  int64_t batch, length, channels, levels;
  bool per_token, gelu;
};

__device__ __forceinline__ float below(float x) { return 0.5f * erfcf(-0.70710678f * x); }

__device__ __forceinline__ float activated(const Extent& e, float x) { return e.gelu ? x * below(x) : x; }

__device__ __forceinline__ float slope(const Extent& e, float x) {
  return e.gelu ? below(x) + x * 0.39894228f * expf(-0.5f * x * x) : 1.0f;
}

__device__ __forceinline__ const float* gains_of(const Extent& e, const float* gains, int64_t row) {
  return gains + (e.per_token ? row : row / e.length) * (e.levels + 1);
}

// d_l
__device__ __forceinline__ float factor(const float* gains, int64_t level) {
  return level == 0 ? gains[0] : gains[level] - gains[level - 1];
}

// c_0, ..., c_levels of the token at place `row`, each to take(level, c).
template <class Take>
__device__ __forceinline__ void each_mean(const Extent& e, const float* __restrict__ x, int64_t row, int64_t c,
                                          Take take) {
  const int64_t t = row % e.length;
  float sum = 0, share = 1;
  int64_t next = 0;
  for (int64_t level = 0; level <= e.levels; ++level, share *= 0.5f) {
    for (; next < (int64_t{1} << level); ++next)
      if (next <= t) sum += activated(e, x[(row - next) * e.channels + c]);
    take(level, sum * share);
  }
}

__device__ __forceinline__ void bands_body(const Extent& e, const float* __restrict__ x,
                                           const float* __restrict__ gains, float* __restrict__ y) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at >= e.batch * e.length * e.channels) return;
  const int64_t row = at / e.channels;
  const float* const own = gains_of(e, gains, row);
  float sum = 0;
  each_mean(e, x, row, at % e.channels, [&](int64_t level, float mean) { sum += factor(own, level) * mean; });
  y[at] = sum;
}

// of_x[t] = f'(x[t]) sum_j g[t+j] sum over levels with 2^l > j of d_l[t+j] / 2^l
__device__ __forceinline__ void inputs_body(const Extent& e, const float* __restrict__ x,
                                            const float* __restrict__ gains, const float* __restrict__ g,
                                            float* __restrict__ of_x) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at >= e.batch * e.length * e.channels) return;
  const int64_t row = at / e.channels, left = e.length - row % e.length;
  float sum = 0;
  for (int64_t j = 0; j < (int64_t{1} << e.levels) && j < left; ++j) {
    const float* const own = gains_of(e, gains, row + j);
    float weight = 0, share = 1;
    for (int64_t level = 0; level <= e.levels; ++level, share *= 0.5f)
      if ((int64_t{1} << level) > j) weight += factor(own, level) * share;
    sum += weight * g[at + j * e.channels];
  }
  of_x[at] = sum * slope(e, x[at]);
}

__device__ __forceinline__ void gains_body(const Extent& e, const float* __restrict__ x, const float* __restrict__ g,
                                           float* __restrict__ of_gains, float* shared) {
  const int64_t row = blockIdx.x;
  float sums[kMostBands] = {};
  for (int64_t c = threadIdx.x; c < e.channels; c += blockDim.x) {
    const float own = g[row * e.channels + c];
    float finer = 0;
    each_mean(e, x, row, c, [&](int64_t level, float mean) {
      if (level > 0) sums[level - 1] += own * (finer - mean);
      finer = mean;
    });
    sums[e.levels] += own * finer;
  }
  for (int64_t band = 0; band <= e.levels; ++band) {
    const float sum = cuda_sums::block_sum(sums[band], shared);
    if (threadIdx.x == 0) of_gains[row * (e.levels + 1) + band] = sum;
  }
}

}  // namespace gated_haar_kernel
}  // namespace subband
