// The bodies of the gated scan's kernels: a thread a channel, which walks through time; neighbours read neighbours.
//   y[b,t,c] = a[b,t,c] y[b,t-1,c] + u[b,t,c];   with d[t] = g[t] + a[t+1] d[t+1]: of_u = d, of_a[t] = d[t] y[t-1]
// Shapes  all [B,L,C] fp32. Grid  x: channels, y: sequences
// Plain C++ but for CUDA's words, which core/testing/kernel_grid.h means for the host.
#pragma once
#include <stdint.h>

namespace subband {
namespace gated_scan_kernel {

__device__ __forceinline__ void scan_body(int64_t length, int64_t channels, const float* __restrict__ a,
                                          const float* __restrict__ u, float* __restrict__ y) {
  const int64_t c = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (c >= channels) return;
  int64_t at = static_cast<int64_t>(blockIdx.y) * length * channels + c;
  float state = 0;
  for (int64_t t = 0; t < length; ++t, at += channels) {
    state = a[at] * state + u[at];
    y[at] = state;
  }
}

struct Gradients {
  float *of_a, *of_u;
};

__device__ __forceinline__ void backward_body(int64_t length, int64_t channels, const float* __restrict__ a,
                                              const float* __restrict__ y, const float* __restrict__ g,
                                              Gradients to) {
  const int64_t c = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (c >= channels) return;
  int64_t at = (static_cast<int64_t>(blockIdx.y) + 1) * length * channels + c;
  float later = 0;
  for (int64_t t = length - 1; t >= 0; --t) {
    at -= channels;
    const float d = g[at] + later;
    to.of_u[at] = d;
    to.of_a[at] = t > 0 ? d * y[at - channels] : 0.0f;
    later = a[at] * d;
  }
}

}  // namespace gated_scan_kernel
}  // namespace subband
