// The bodies of the kernels of a residual sum and its norm: a block a row there and back, and a thread a column for what is
// added up over rows, a chunk of them after the other.
//   z = a x + sum_k b_k y_k;  flat = (z - mean) / deviation;  n = weight flat + bias
//   u = weight g;  d = g_z + (u - mean(u) - flat mean(u flat)) / deviation
// Shared  a float a warp. Grid  rows; columns and chunks of kRows
// Plain C++ but for CUDA's words, which core/testing/kernel_grid.h means for the host.
#pragma once
#include <math.h>
#include <stdint.h>

#include "core/ops/cuda_sums.cuh"
#include "core/ops/norms/residual_norm_cuda.h"

namespace subband {
namespace residual_norm_kernel {

template <class Value, class Load>
__device__ __forceinline__ float term_at(const SubbandResidualTerm& term, int64_t row, int64_t columns, int64_t c,
                                         Load load) {
  const float y = load(static_cast<const Value*>(term.y)[row * columns + c]);
  if (term.gain == nullptr) return y;
  return load(static_cast<const Value*>(term.gain)[c * term.gain_step]) * y;
}

template <class Value, class Load, class Store>
__device__ __forceinline__ void forward_body(const SubbandResidualNorm& a, Value* sum, Value* normed, float* kept,
                                             float* shared, Load load, Store store) {
  const int64_t row = blockIdx.x, C = a.columns;
  float total = 0;
  for (int64_t c = threadIdx.x; c < C; c += blockDim.x) {
    float branches = 0;
    for (int k = 1; k < a.terms; ++k) branches += term_at<Value>(a.term[k], row, C, c, load);
    const Value z = store(term_at<Value>(a.term[0], row, C, c, load) + branches);
    sum[row * C + c] = z;
    total += load(z);
  }
  if (a.weight == nullptr) return;
  const float mean = a.subtracts_mean ? cuda_sums::block_sum(total, shared) / static_cast<float>(C) : 0.0f;
  float squares = 0;
  for (int64_t c = threadIdx.x; c < C; c += blockDim.x) {
    const float apart = load(sum[row * C + c]) - mean;
    squares += apart * apart;
  }
  const float variance = cuda_sums::block_sum(squares, shared) / static_cast<float>(C);
  const float factor = 1.0f / sqrtf(variance + a.epsilon);
  if (threadIdx.x == 0) kept[2 * row] = mean, kept[2 * row + 1] = factor;
  for (int64_t c = threadIdx.x; c < C; c += blockDim.x) {
    float n = (load(sum[row * C + c]) - mean) * factor * load(static_cast<const Value*>(a.weight)[c]);
    if (a.bias != nullptr) n += load(static_cast<const Value*>(a.bias)[c]);
    normed[row * C + c] = store(n);
  }
}

template <class Value, class Load>
struct Row {
  const Value *z, *g, *weight;
  float mean, factor;
  Load load;
  __device__ __forceinline__ float flat(int64_t c) const { return (load(z[c]) - mean) * factor; }
  __device__ __forceinline__ float up(int64_t c) const { return load(g[c]) * load(weight[c]); }
};

/// d, and of every term with a gain the gradient of y; of a gain of one value this row's part.
template <class Value, class Load, class Store>
__device__ __forceinline__ void backward_body(const SubbandResidualNorm& a, const SubbandResidualBack& b, float* shared,
                                              Load load, Store store) {
  const int64_t row = blockIdx.x, C = a.columns, at = row * C;
  const auto* const g_sum = static_cast<const Value*>(b.g_sum);
  auto* const d = static_cast<Value*>(b.d);
  if (b.g != nullptr) {
    const Row<Value, Load> r{static_cast<const Value*>(b.sum) + at, static_cast<const Value*>(b.g) + at,
                             static_cast<const Value*>(a.weight), b.kept[2 * row], b.kept[2 * row + 1], load};
    float of_mean = 0, of_flat = 0;
    for (int64_t c = threadIdx.x; c < C; c += blockDim.x) of_mean += r.up(c), of_flat += r.up(c) * r.flat(c);
    const float shift = a.subtracts_mean ? cuda_sums::block_sum(of_mean, shared) / static_cast<float>(C) : 0.0f;
    const float slope = cuda_sums::block_sum(of_flat, shared) / static_cast<float>(C);
    for (int64_t c = threadIdx.x; c < C; c += blockDim.x) {
      const float own = (r.up(c) - shift - r.flat(c) * slope) * r.factor;
      d[at + c] = store(own + (g_sum != nullptr ? load(g_sum[at + c]) : 0.0f));
    }
  } else {
    for (int64_t c = threadIdx.x; c < C; c += blockDim.x) d[at + c] = g_sum[at + c];
  }
  for (int k = 0; k < a.terms; ++k) {
    const SubbandResidualTerm& term = a.term[k];
    if (term.gain == nullptr) continue;
    float dot = 0;
    for (int64_t c = threadIdx.x; c < C; c += blockDim.x) {
      const float own = load(d[at + c]);
      dot += own * load(static_cast<const Value*>(term.y)[at + c]);
      static_cast<Value*>(b.of_y[k])[at + c] = store(own * load(static_cast<const Value*>(term.gain)[c * term.gain_step]));
    }
    if (term.gain_step != 0) continue;
    dot = cuda_sums::block_sum(dot, shared);
    if (threadIdx.x == 0) b.dots[k * a.rows + row] = dot;
  }
}

/// Sums over the rows of one chunk, behind backward_body.
template <class Value, class Load>
__device__ __forceinline__ void columns_body(const SubbandResidualNorm& a, const SubbandResidualBack& b, Load load) {
  const int64_t C = a.columns, c = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x, chunk = blockIdx.y;
  const int64_t chunks = (a.rows + SubbandResidualNorm::kRows - 1) / SubbandResidualNorm::kRows;
  if (c >= C) return;
  const int64_t first = chunk * SubbandResidualNorm::kRows;
  const int64_t end = first + SubbandResidualNorm::kRows < a.rows ? first + SubbandResidualNorm::kRows : a.rows;
  const auto *const z = static_cast<const Value*>(b.sum), *const g = static_cast<const Value*>(b.g);
  if (g != nullptr) {
    float of_weight = 0, of_bias = 0;
    for (int64_t row = first; row < end; ++row) {
      const float up = load(g[row * C + c]);
      of_weight += up * (load(z[row * C + c]) - b.kept[2 * row]) * b.kept[2 * row + 1];
      of_bias += up;
    }
    b.partial[chunk * C + c] = of_weight;
    b.partial[(chunks + chunk) * C + c] = of_bias;
  }
  for (int k = 0; k < a.terms; ++k) {
    if (a.term[k].gain == nullptr || a.term[k].gain_step == 0) continue;
    const auto *const y = static_cast<const Value*>(a.term[k].y), *const d = static_cast<const Value*>(b.d);
    float sum = 0;
    for (int64_t row = first; row < end; ++row) sum += load(d[row * C + c]) * load(y[row * C + c]);
    b.partial[((2 + k) * chunks + chunk) * C + c] = sum;
  }
}

}  // namespace residual_norm_kernel
}  // namespace subband
