// The body of the cross-entropy's kernel: a block a row of logits, which become their gradient where they stand.
//   loss[n] = log(sum_v exp(l[v])) - l[target];   l[v] <- factor (exp(l[v]) / sum - [v = target])
// Shapes  l [N,V], targets [N], losses [N] fp32; a target of -100 counts for nothing. Shared  a float per warp. Grid  x: rows
// Plain C++ but for CUDA's words, which core/testing/kernel_grid.h means for the host.
#pragma once
#include <math.h>
#include <stdint.h>

#include "core/ops/cuda_sums.cuh"

namespace subband {
namespace linear_cross_entropy_kernel {

constexpr int64_t kLeftOut = -100;

/// `factor`: one over the number of rows that count, on the device.
template <class Value, class Load, class Store>
__device__ __forceinline__ void row_body(int64_t vocabulary, const int64_t* __restrict__ targets,
                                         const float* __restrict__ factor, Value* __restrict__ logits,
                                         float* __restrict__ losses, float* shared, Load load, Store store) {
  const int64_t row = blockIdx.x, target = targets[row];
  Value* const own = logits + row * vocabulary;
  if (target == kLeftOut) {  // the whole block
    for (int64_t v = threadIdx.x; v < vocabulary; v += blockDim.x) own[v] = store(0.0f);
    if (threadIdx.x == 0) losses[row] = 0;
    return;
  }
  float most = -INFINITY;
  for (int64_t v = threadIdx.x; v < vocabulary; v += blockDim.x) most = cuda_sums::larger(most, load(own[v]));
  most = cuda_sums::block_largest(most, shared);
  float sum = 0;
  for (int64_t v = threadIdx.x; v < vocabulary; v += blockDim.x) sum += expf(load(own[v]) - most);
  sum = cuda_sums::block_sum(sum, shared);
  if (threadIdx.x == 0) losses[row] = logf(sum) + most - load(own[target]);
  __syncthreads();
  const float scale = *factor / sum;
  for (int64_t v = threadIdx.x; v < vocabulary; v += blockDim.x) {
    const float gradient = scale * expf(load(own[v]) - most);
    own[v] = store(v == target ? gradient - *factor : gradient);
  }
}

}  // namespace linear_cross_entropy_kernel
}  // namespace subband
