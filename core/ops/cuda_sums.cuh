// Sums and largest values over a warp or a block, in one order. Plain C++ but for CUDA's words, which
// core/testing/kernel_grid.h means for the host. Blocks are whole warps.
#pragma once

namespace subband {
namespace cuda_sums {

constexpr unsigned kAll = 0xffffffffu;

__device__ __forceinline__ float larger(float a, float b) { return a > b ? a : b; }

/// Every lane has it.
__device__ __forceinline__ float warp_sum(float value) {
  for (int mask = 16; mask > 0; mask /= 2) value += __shfl_xor_sync(kAll, value, mask);
  return value;
}
__device__ __forceinline__ float warp_largest(float value) {
  for (int mask = 16; mask > 0; mask /= 2) value = larger(value, __shfl_xor_sync(kAll, value, mask));
  return value;
}

/// Every thread has it. `shared`: a float per warp, which may be used again after the call.
__device__ __forceinline__ float block_sum(float value, float* shared) {
  const unsigned warps = (blockDim.x + 31) / 32;
  value = warp_sum(value);
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
  __syncthreads();
  float sum = 0;
  for (unsigned i = 0; i < warps; ++i) sum += shared[i];
  __syncthreads();
  return sum;
}
__device__ __forceinline__ float block_largest(float value, float* shared) {
  const unsigned warps = (blockDim.x + 31) / 32;
  value = warp_largest(value);
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
  __syncthreads();
  float most = shared[0];
  for (unsigned i = 1; i < warps; ++i) most = larger(most, shared[i]);
  __syncthreads();
  return most;
}

}  // namespace cuda_sums
}  // namespace subband
