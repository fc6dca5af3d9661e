// The body of the kernel for attention of one token: a block a query, its warps share the keys, lanes the width.
//   y = sum_t exp(s[t] - most) v[t] / sum_t exp(s[t] - most),  s[t] = scale q k[t], most and sums as t goes on
// Shapes  q [N,G,R,K], k [N,G,T,K], v [N,G,T,V] -> y [N,G,R,V]; V up to 32 kMostPerLane. Keys and values have whole rows
//         one behind the other, wherever their groups stand
// Shared  warps (V + 2) floats. Grid  x: N G R
// Plain C++ but for CUDA's words, which core/testing/kernel_grid.h means for the host.
#pragma once
#include <math.h>
#include <stdint.h>

#include "core/ops/cuda_sums.cuh"
#include "core/ops/sequence/token_attention.h"

namespace subband {
namespace token_attention_kernel {

constexpr int kMostPerLane = token_attention_paths::kMostCudaValueWidth / 32;

/// What a warp has seen of its keys: the largest score, and sums in units of its exponential.
struct Seen {
  float most, weights;
  float sums[kMostPerLane];
};

template <class Value, class Load>
__device__ __forceinline__ void see(const SubbandTokenAttention& a, const Value* __restrict__ q,
                                    const Value* __restrict__ k, const Value* __restrict__ v, Load load,
                                    Seen& seen) {
  const int64_t lane = threadIdx.x % 32;
  float score = 0;
  for (int64_t c = lane; c < a.key_width; c += 32) score += load(q[c]) * load(k[c]);
  score = cuda_sums::warp_sum(score) * a.scale;
  const float most = cuda_sums::larger(seen.most, score);
  const float kept = expf(seen.most - most), weight = expf(score - most);
  seen.most = most;
  seen.weights = seen.weights * kept + weight;
  for (int i = 0; i < kMostPerLane; ++i) {
    const int64_t c = lane + 32 * i;
    if (c < a.value_width) seen.sums[i] = seen.sums[i] * kept + weight * load(v[c]);
  }
}

template <class Value, class Load, class Store>
__device__ __forceinline__ void attention_body(const SubbandTokenAttention& a, const Value* __restrict__ q,
                                               const Value* __restrict__ k, const Value* __restrict__ v,
                                               Value* __restrict__ y, float* shared, Load load, Store store) {
  const int64_t warp = threadIdx.x / 32, warps = blockDim.x / 32, lane = threadIdx.x % 32;
  const int64_t row = blockIdx.x, group = row / a.queries, sequence = group / a.groups, own = group % a.groups;
  const Value* const keys = k + sequence * a.k_strides[0] + own * a.k_strides[1];
  const Value* const values = v + sequence * a.v_strides[0] + own * a.v_strides[1];
  Seen seen;
  seen.most = -INFINITY, seen.weights = 0;
  for (int i = 0; i < kMostPerLane; ++i) seen.sums[i] = 0;
  for (int64_t t = warp; t < a.keys; t += warps)
    see(a, q + row * a.key_width, keys + t * a.key_width, values + t * a.value_width, load, seen);
  float* const tops = shared;
  float* const sums = shared + 2 * warps;
  if (lane == 0) tops[2 * warp] = seen.most, tops[2 * warp + 1] = seen.weights;
  for (int i = 0; i < kMostPerLane; ++i) {
    const int64_t c = lane + 32 * i;
    if (c < a.value_width) sums[warp * a.value_width + c] = seen.sums[i];
  }
  __syncthreads();
  float most = -INFINITY;
  for (int64_t w = 0; w < warps; ++w) most = cuda_sums::larger(most, tops[2 * w]);
  for (int64_t c = threadIdx.x; c < a.value_width; c += blockDim.x) {
    float sum = 0, weights = 0;
    for (int64_t w = 0; w < warps; ++w) {
      const float factor = expf(tops[2 * w] - most);
      sum += factor * sums[w * a.value_width + c];
      weights += factor * tops[2 * w + 1];
    }
    y[row * a.value_width + c] = store(sum / weights);
  }
}

}  // namespace token_attention_kernel
}  // namespace subband
