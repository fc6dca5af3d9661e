// The body of the Walsh-Hadamard kernel: one block a row, the row in shared memory, three stages at a time in registers.
//   stage h: neighbours at distance h are added and subtracted, h = 1, 2, 4, ..., n / 2
// Shapes  x, y [rows, n], n a power of two up to 32,768; shared: n floats
// Plain C++ but for CUDA's words, which core/testing/kernel_grid.h means for the host.
#pragma once
#include <stdint.h>

namespace subband {
namespace fwht_kernel {

/// Threads of a block for rows of n: each takes eight values a pass, or what there is.
inline unsigned threads_for(int n) {
  const int wanted = n / 8 < 32 ? 32 : n / 8;
  return static_cast<unsigned>(wanted > 1024 ? 1024 : wanted);
}

// Stages h, 2h, ... of `Count` values that stand h apart.
template <int kCount>
__device__ __forceinline__ void stages(float (&v)[kCount]) {
  for (int h = 1; h < kCount; h *= 2) {
    for (int i = 0; i < kCount; ++i) {
      if (i & h) continue;
      const float a = v[i], b = v[i + h];
      v[i] = a + b;
      v[i + h] = a - b;
    }
  }
}

// One pass over the row: its groups of `Count` values at distance h.
template <int kCount>
__device__ __forceinline__ void pass(float* row, int n, int h) {
  for (int group = static_cast<int>(threadIdx.x); group < n / kCount; group += static_cast<int>(blockDim.x)) {
    const int start = group / h * h * kCount + group % h;
    float v[kCount];
    for (int i = 0; i < kCount; ++i) v[i] = row[start + i * h];
    stages(v);
    for (int i = 0; i < kCount; ++i) row[start + i * h] = v[i];
  }
  __syncthreads();
}

/// `Value`: what memory holds; `load` and `store` turn it into fp32 and back.
template <class Value, class Load, class Store>
__device__ __forceinline__ void row_body(const Value* __restrict__ x, Value* __restrict__ y, int n,
                                         float scale, float* row, Load load, Store store) {
  const int64_t start = static_cast<int64_t>(blockIdx.x) * n;
  const int own = static_cast<int>(threadIdx.x), step = static_cast<int>(blockDim.x);
  for (int i = own; i < n; i += step) row[i] = load(x[start + i]);
  __syncthreads();
  int h = 1;
  for (; 8 * h <= n; h *= 8) pass<8>(row, n, h);
  if (4 * h == n) pass<4>(row, n, h);
  if (2 * h == n) pass<2>(row, n, h);
  for (int i = own; i < n; i += step) y[start + i] = store(row[i] * scale);
}

}  // namespace fwht_kernel
}  // namespace subband
