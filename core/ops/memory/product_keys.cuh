// The bodies of the product keys' kernels, forward and back; no atomics, so that results are the same every time.
//   choose   a warp a position n and head h: the K largest sa[i] + sb[j], and their softmax, best first; of two equal
//            scores the lower index
//   read     y[n,c] = sum_r w[n,r] table[rows[n,r],c], in the order of r = h K + k
//   back     of_weight[n,r] = g[n] table[rows[n,r]], a warp each; then of_s = w (of_weight - sum_k w of_weight), added to
//            both sides' keys, a warp a position and head
//   table    slots n R + r sorted by row: a block a row adds its slots up in their order
// Shapes  sa, sb, of_a, of_b [N,S] of one head; rows int32, w, of_weights [N,R]; table [V,C]; g, y [N,C] fp32
// Plain C++ but for CUDA's words, which core/testing/kernel_grid.h means for the host.
#pragma once
#include <math.h>
#include <stdint.h>

#include "core/ops/cuda_sums.cuh"
#include "core/ops/memory/product_keys_cuda.h"

namespace subband {
namespace product_keys_kernel {

/// What the choice keeps in shared memory.
inline size_t choice_bytes(int64_t side, int64_t kept) {
  const int64_t of_side = kept < side ? kept : side;
  return static_cast<size_t>(2 * side * 4 + 4 * of_side * 4 + of_side * 8 + kept * 4);
}

struct Best {
  float value;
  int place;
};

/// What is not a number comes first, as in LibTorch's topk; of equals the lower place.
__device__ __forceinline__ Best better(Best a, Best b) {
  const bool a_is_number = a.value == a.value, b_is_number = b.value == b.value;
  if (a_is_number != b_is_number) return a_is_number ? b : a;
  if (a_is_number && a.value != b.value) return b.value > a.value ? b : a;
  return b.place < a.place ? b : a;
}

/// The largest value of count, the first of equal ones; every lane has it. Places that are taken hold -inf.
__device__ __forceinline__ Best warp_best(const float* values, int64_t count) {
  Best best;
  best.value = -INFINITY, best.place = 0x7fffffff;
  for (int64_t i = threadIdx.x % 32; i < count; i += 32) {
    Best own;
    own.value = values[i], own.place = static_cast<int>(i);
    best = better(best, own);
  }
  for (int mask = 16; mask > 0; mask /= 2) {
    Best other;
    other.value = __shfl_xor_sync(cuda_sums::kAll, best.value, mask);
    other.place = __shfl_xor_sync(cuda_sums::kAll, best.place, mask);
    best = better(best, other);
  }
  return best;
}

// The `kept` best of `scores`, which are lost, best first.
__device__ __forceinline__ void take_best(float* scores, int64_t count, int64_t kept, float* values, int* places) {
  for (int64_t k = 0; k < kept; ++k) {
    const Best best = warp_best(scores, count);
    __syncwarp();
    if (threadIdx.x % 32 == 0) values[k] = best.value, places[k] = best.place, scores[best.place] = -INFINITY;
    __syncwarp();
  }
}

/// One warp a block; grid x: positions. `shared`: choice_bytes.
__device__ __forceinline__ void choose_body(const SubbandProductKeys& p, const float* __restrict__ scores_a,
                                            const float* __restrict__ scores_b, int32_t* __restrict__ rows,
                                            float* __restrict__ weights, float* shared) {
  const int64_t n = blockIdx.x, lane = threadIdx.x, side = p.side;
  const int64_t of_side = p.kept < side ? p.kept : side;
  float *const a = shared, *const b = a + side, *const best_a = b + side, *const best_b = best_a + of_side;
  float* const offered = best_b + of_side;
  float* const chosen = offered + of_side;
  int* const order_a = reinterpret_cast<int*>(chosen + p.kept);
  int *const order_b = order_a + of_side, *const next = order_b + of_side;
  for (int64_t i = lane; i < side; i += 32) a[i] = scores_a[n * side + i], b[i] = scores_b[n * side + i];
  __syncwarp();
  take_best(a, side, of_side, best_a, order_a);
  take_best(b, side, of_side, best_b, order_b);
  // Row i of the sums offers its next pair.
  for (int64_t i = lane; i < of_side; i += 32) offered[i] = best_a[i] + best_b[0], next[i] = 0;
  __syncwarp();
  const int64_t place = n * p.row_stride + p.head * p.kept;
  const int64_t first_row = p.head * side * side;
  for (int64_t k = 0; k < p.kept; ++k) {
    const Best best = warp_best(offered, of_side);
    __syncwarp();
    if (lane == 0) {
      const int i = best.place;
      // Where all that is left is -inf, this may be a row whose pairs are all taken: its last one again, of weight 0.
      const int j = next[i] < of_side ? next[i]++ : static_cast<int>(of_side) - 1;
      rows[place + k] = static_cast<int32_t>(first_row + order_a[i] * side + order_b[j]);
      chosen[k] = best.value;
      offered[i] = j + 1 < of_side ? best_a[i] + best_b[j + 1] : -INFINITY;
    }
    __syncwarp();
  }
  float total = 0;
  for (int64_t k = lane; k < p.kept; k += 32) total += expf(chosen[k] - chosen[0]);
  total = cuda_sums::warp_sum(total);
  for (int64_t k = lane; k < p.kept; k += 32) weights[place + k] = expf(chosen[k] - chosen[0]) / total;
}

/// Grid  x: positions
__device__ __forceinline__ void read_body(const SubbandProductKeys& p, const float* __restrict__ table,
                                          const int32_t* __restrict__ rows, const float* __restrict__ weights,
                                          float* __restrict__ y) {
  const int64_t n = blockIdx.x;
  for (int64_t c = threadIdx.x; c < p.columns; c += blockDim.x) {
    float sum = 0;
    for (int64_t r = 0; r < p.row_stride; ++r)
      sum += weights[n * p.row_stride + r] * table[rows[n * p.row_stride + r] * p.columns + c];
    y[n * p.columns + c] = sum;
  }
}

/// Grid  x: positions; a warp a slot of it, one after the other.
__device__ __forceinline__ void weights_backward_body(const SubbandProductKeys& p, const float* __restrict__ table,
                                                      const int32_t* __restrict__ rows, const float* __restrict__ g,
                                                      float* __restrict__ of_weights) {
  const int64_t n = blockIdx.x;
  for (int64_t r = threadIdx.x / 32; r < p.row_stride; r += blockDim.x / 32) {
    const float* const row = table + rows[n * p.row_stride + r] * p.columns;
    float sum = 0;
    for (int64_t c = threadIdx.x % 32; c < p.columns; c += 32) sum += g[n * p.columns + c] * row[c];
    sum = cuda_sums::warp_sum(sum);
    if (threadIdx.x % 32 == 0) of_weights[n * p.row_stride + r] = sum;
  }
}

/// Gradients of both sides' scores, of one head.
struct ScoreGradients {
  float *of_a, *of_b;
};

/// One warp a block; grid x: positions. A lane owns keys, and adds their pairs up in order.
__device__ __forceinline__ void scores_backward_body(const SubbandProductKeys& p, const int32_t* __restrict__ rows,
                                                     const float* __restrict__ weights,
                                                     const float* __restrict__ of_weights, ScoreGradients to) {
  const int64_t n = blockIdx.x, lane = threadIdx.x, side = p.side;
  const int64_t place = n * p.row_stride + p.head * p.kept, first_row = p.head * side * side;
  float mean = 0;
  for (int64_t k = 0; k < p.kept; ++k) mean += weights[place + k] * of_weights[place + k];
  for (int64_t i = lane; i < side; i += 32) {
    float of_a = 0, of_b = 0;
    for (int64_t k = 0; k < p.kept; ++k) {
      const int64_t pair = rows[place + k] - first_row;
      const float of_score = weights[place + k] * (of_weights[place + k] - mean);
      if (pair / side == i) of_a += of_score;
      if (pair % side == i) of_b += of_score;
    }
    to.of_a[n * side + i] = of_a, to.of_b[n * side + i] = of_b;
  }
}

/// Grid  x: slots in the order of their rows; the block of a row's first slot works, the others leave at once.
__device__ __forceinline__ void table_body(const SubbandProductKeys& p, const int32_t* __restrict__ sorted_rows,
                                           const int64_t* __restrict__ slots, const float* __restrict__ weights,
                                           const float* __restrict__ g, float* __restrict__ of_table) {
  const int64_t first = blockIdx.x, count = p.count * p.row_stride;
  const int32_t row = sorted_rows[first];
  if (first > 0 && sorted_rows[first - 1] == row) return;
  for (int64_t c = threadIdx.x; c < p.columns; c += blockDim.x) {
    float sum = 0;
    for (int64_t i = first; i < count && sorted_rows[i] == row; ++i)
      sum += weights[slots[i]] * g[slots[i] / p.row_stride * p.columns + c];
    of_table[row * p.columns + c] = sum;
  }
}

}  // namespace product_keys_kernel
}  // namespace subband
