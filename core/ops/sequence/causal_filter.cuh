// The bodies of the causal filter's kernels.
//   y[b,t,c] = sum_k w[k] x[b, t - first - k, c]; backward: the same to the right; of w[k]: sum of g[b,t,c] x[b, t - first - k, c]
// Shapes  x, y [B,L,C], w [K]; a block takes kRows rows of one sequence and blockDim.x channels at a time
// The weights' gradient is added up in two steps, in one order: per block, then over the blocks.
// Plain C++ but for CUDA's words, which core/testing/kernel_grid.h means for the host.
#pragma once
#include <stdint.h>

#include "core/ops/cuda_sums.cuh"
#include "core/ops/sequence/causal_filter.h"

namespace subband {
namespace causal_filter_kernel {

constexpr int kRows = causal_filter_paths::kCudaRows;

struct Extent {
  int64_t length, channels, first, taps;
};

/// Grid  x: pieces of kRows rows, y: sequences. `direction` -1: the filter; +1: its way back.
template <class Value, class Load, class Store>
__device__ __forceinline__ void filter_body(const Extent& e, const Value* __restrict__ x,
                                            const float* __restrict__ w, Value* __restrict__ y, int direction,
                                            Load load, Store store) {
  const int64_t start = static_cast<int64_t>(blockIdx.y) * e.length * e.channels;
  const int64_t begin = static_cast<int64_t>(blockIdx.x) * kRows;
  const int64_t end = begin + kRows < e.length ? begin + kRows : e.length;
  for (int64_t c = threadIdx.x; c < e.channels; c += blockDim.x) {
    for (int64_t t = begin; t < end; ++t) {
      float sum = 0;
      for (int64_t k = 0; k < e.taps; ++k) {
        const int64_t source = t + direction * (e.first + k);
        if (source >= 0 && source < e.length) sum += w[k] * load(x[start + source * e.channels + c]);
      }
      y[start + t * e.channels + c] = store(sum);
    }
  }
}

/// partial[block, k], block = blockIdx.y gridDim.x + blockIdx.x. Threads: whole warps.
template <class Value, class Load>
__device__ __forceinline__ void weights_body(const Extent& e, const Value* __restrict__ g,
                                             const Value* __restrict__ x, float* __restrict__ partial,
                                             float* shared, Load load) {
  const int64_t start = static_cast<int64_t>(blockIdx.y) * e.length * e.channels;
  const int64_t begin = static_cast<int64_t>(blockIdx.x) * kRows;
  const int64_t end = begin + kRows < e.length ? begin + kRows : e.length;
  const int64_t block = static_cast<int64_t>(blockIdx.y) * gridDim.x + blockIdx.x;
  for (int64_t k = 0; k < e.taps; ++k) {
    float sum = 0;
    for (int64_t c = threadIdx.x; c < e.channels; c += blockDim.x) {
      for (int64_t t = begin; t < end; ++t) {
        const int64_t source = t - e.first - k;
        if (source >= 0)
          sum += load(g[start + t * e.channels + c]) * load(x[start + source * e.channels + c]);
      }
    }
    const float total = cuda_sums::block_sum(sum, shared);
    if (threadIdx.x == 0) partial[block * e.taps + k] = total;
  }
}

/// of_w[k] = the sum over blocks of partial[block, k]; one thread a tap.
__device__ __forceinline__ void weights_sum_body(const Extent& e, const float* __restrict__ partial,
                                                 int64_t blocks, float* __restrict__ of_w) {
  const int64_t k = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (k >= e.taps) return;
  double sum = 0;
  for (int64_t block = 0; block < blocks; ++block) sum += static_cast<double>(partial[block * e.taps + k]);
  of_w[k] = static_cast<float>(sum);
}

}  // namespace causal_filter_kernel
}  // namespace subband
