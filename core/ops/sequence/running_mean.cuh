// The bodies of the running mean's kernels: a thread a channel, which walks through time; neighbours read neighbours.
//   m[b,t,c] = (x[b,0,c] + ... + x[b,t,c]) / (t + 1);   of_x[b,t,c] = sum over u from t of g[b,u,c] / (u + 1)
// Shapes  x, of_x [B,L,C], m, g [B,L,C] fp32. Grid  x: channels, y: sequences
// Plain C++ but for CUDA's words, which core/testing/kernel_grid.h means for the host.
#pragma once
#include <stdint.h>

namespace subband {
namespace running_mean_kernel {

template <class Value, class Load>
__device__ __forceinline__ void mean_body(int64_t length, int64_t channels, const Value* __restrict__ x,
                                          float* __restrict__ m, Load load) {
  const int64_t c = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (c >= channels) return;
  int64_t at = static_cast<int64_t>(blockIdx.y) * length * channels + c;
  float sum = 0;
  for (int64_t t = 0; t < length; ++t, at += channels) {
    sum += load(x[at]);
    m[at] = sum / static_cast<float>(t + 1);
  }
}

template <class Value, class Store>
__device__ __forceinline__ void backward_body(int64_t length, int64_t channels, const float* __restrict__ g,
                                              Value* __restrict__ of_x, Store store) {
  const int64_t c = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (c >= channels) return;
  int64_t at = (static_cast<int64_t>(blockIdx.y) + 1) * length * channels + c;
  float sum = 0;
  for (int64_t t = length - 1; t >= 0; --t) {
    at -= channels;
    sum += g[at] / static_cast<float>(t + 1);
    of_x[at] = store(sum);
  }
}

}  // namespace running_mean_kernel
}  // namespace subband
