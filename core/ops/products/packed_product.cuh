// The body of the kernel for products with weights of few bits: a warp a row of the matrix and an input; half a warp reads
// the 16 lanes of a block, as packed_form.h lays them out.
//   y[n,r] = sum_c scale[r,g] (q[r,c] - zero[r,g]) x[n,c]
// Grid  x: rows over warps of a block, y: inputs
// Plain C++ but for CUDA's words, which core/testing/kernel_grid.h means for the host.
#pragma once
#include <stdint.h>

#include "core/ops/cuda_sums.cuh"
#include "core/ops/products/packed_product_cuda.h"

namespace subband {
namespace packed_product_kernel {

__device__ __forceinline__ int64_t block_values(int bits) { return bits == 8 ? 16 : bits == 4 ? 32 : 64; }
__device__ __forceinline__ int64_t block_bytes(int bits) { return bits == 3 ? 24 : 16; }

/// The whole number of a field of a lane.
__device__ __forceinline__ int value_of(const uint8_t* block, int bits, int lane, int field) {
  int value = 0;
  if (bits == 3) {
    const int third = block[16 + lane % 8] >> (lane / 8 * 4 + field);
    value = ((block[lane] >> (2 * field)) & 3) | ((third & 1) << 2);
  } else {
    value = (block[lane] >> (bits * field)) & ((1 << bits) - 1);
  }
  const int sign = 1 << (bits - 1);
  return (value ^ sign) - sign;
}

/// `half`: fp16 of scales, by its bits, to fp32.
template <class Value, class Load, class Store, class Half>
__device__ __forceinline__ void product_body(const SubbandPackedProduct& p, const Value* __restrict__ x,
                                             Value* __restrict__ y, Load load, Store store, Half half) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * (blockDim.x / 32) + threadIdx.x / 32;
  if (row >= p.rows) return;  // a whole warp
  const int lane = static_cast<int>(threadIdx.x % 16);
  const int64_t values = block_values(p.bits), bytes = block_bytes(p.bits);
  const int64_t blocks = (p.columns + values - 1) / values;
  const uint8_t* const codes = p.codes + row * blocks * bytes;
  const int64_t scales = (p.one_scale ? 0 : row) * p.groups;
  const Value* const input = x + blockIdx.y * p.columns;
  float sum = 0;
  for (int64_t block = threadIdx.x % 32 / 16; block < blocks; block += 2) {
    for (int field = 0; field * 16 < values; ++field) {
      const int64_t c = block * values + 16 * field + lane;
      if (c >= p.columns) continue;
      const int64_t group = p.group > 0 ? c / p.group : 0;
      const float scale = p.group > 0 ? half(p.group_scales[scales + group]) : p.scales[scales];
      int value = value_of(codes + block * bytes, p.bits, lane, field);
      if (p.zeros != nullptr) value -= p.zeros[scales + group];
      sum += scale * static_cast<float>(value) * load(input[c]);
    }
  }
  sum = cuda_sums::warp_sum(sum);
  if (threadIdx.x % 32 == 0) y[blockIdx.y * p.rows + row] = store(sum);
}

}  // namespace packed_product_kernel
}  // namespace subband
