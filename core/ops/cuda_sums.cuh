// Sums and largest values over a warp or a block, in one order. Plain C++ but for CUDA's words, which
// core/testing/kernel_grid.h means for the host. Blocks are whole warps.
#pragma once

namespace subband {
namespace cuda_sums {

constexpr unsigned kAll = 0xffffffffu;

__device__ __forceinline__ float larger(float a, float b) { return a > b ? a : b; }

struct Plus {
  static __device__ __forceinline__ float of(float a, float b) { return a + b; }
};
struct Larger {
  static __device__ __forceinline__ float of(float a, float b) { return larger(a, b); }
};

/// All lanes' values joined by one of these; every lane has it.
template <class Join>
__device__ __forceinline__ float of_warp(float value) {
  for (int mask = 16; mask > 0; mask /= 2) value = Join::of(value, __shfl_xor_sync(kAll, value, mask));
  return value;
}
__device__ __forceinline__ float warp_sum(float value) { return of_warp<Plus>(value); }

/// Every thread has it. `shared`: a float per warp, which may be used again after the call.
template <class Join>
__device__ __forceinline__ float of_block(float value, float* shared) {
  const unsigned warps = (blockDim.x + 31) / 32;
  value = of_warp<Join>(value);
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
  __syncthreads();
  float joined = shared[0];
  for (unsigned i = 1; i < warps; ++i) joined = Join::of(joined, shared[i]);
  __syncthreads();
  return joined;
}
__device__ __forceinline__ float block_sum(float value, float* shared) { return of_block<Plus>(value, shared); }
__device__ __forceinline__ float block_largest(float value, float* shared) { return of_block<Larger>(value, shared); }

}  // namespace cuda_sums
}  // namespace subband
