// The body of the kernel for walks of chunk_state: a block has 32 columns of M, a lane each; its warps share the rows.
//   M = e^g M + a_t b_tᵀ,   out_t = Mᵀ c_t
// What a span of 64 tokens adds is summed apart from the state before it. Each 16 tokens the warps' parts are added up.
// Shared  kStep * 32 floats a warp. Grid  x: sequences and heads (groups where `per_group`), y: columns / 32
// Plain C++ but for CUDA's words, which core/testing/kernel_grid.h means for the host.
#pragma once
#include <math.h>
#include <stdint.h>

#include "core/ops/recurrence/chunk_state_cuda.h"

namespace subband {
namespace chunk_state_kernel {

constexpr int kMostWarps = 8, kStep = 16, kSpan = 64;
constexpr int kPerWarp = chunk_state_paths::kMostCudaRows / kMostWarps;

/// A lane's part of M: rows warp, warp + warps, ... of one column.
struct Column {
  float start[kPerWarp], added[kPerWarp];
};

__device__ __forceinline__ const float* row_of(const SubbandRows& rows, int64_t sequence, int64_t head, int64_t t) {
  return rows.data + sequence * rows.sequence + t * rows.token + head / rows.repeats * rows.head;
}

__device__ __forceinline__ float value_of(const SubbandRows& rows, const float* row, int64_t i) {
  return i < rows.width ? row[i] : 1.0f;
}

/// Decays M by what lies between a token and the one before it in the walk.
__device__ __forceinline__ void decay(const SubbandChunkWalk& w, int64_t sequence, int64_t head, int64_t t, Column& m) {
  if (w.log_decay.data == nullptr || t >= w.length) return;
  const float kept = expf(*row_of(w.log_decay, sequence, head, t));
  for (int i = 0; i < kPerWarp; ++i) m.start[i] *= kept, m.added[i] *= kept;
}

/// Takes up one token, and gives this warp's part of its output.
__device__ __forceinline__ float take_up(const SubbandChunkWalk& w, int64_t sequence, int64_t head, int64_t t, Column& m) {
  const int64_t warp = threadIdx.x / 32, warps = blockDim.x / 32;
  const int64_t column = static_cast<int64_t>(blockIdx.y) * 32 + threadIdx.x % 32;
  const float* const a = row_of(w.a, sequence, head, t);
  const float* const c = row_of(w.c, sequence, head, t);
  const float b = column < w.columns ? value_of(w.b, row_of(w.b, sequence, head, t), column) : 0.0f;
  float sum = 0;
  for (int i = 0; i < kPerWarp; ++i) {
    const int64_t row = warp + i * warps;
    if (row < w.rows) {
      m.added[i] += value_of(w.a, a, row) * b;
      sum += value_of(w.c, c, row) * (m.start[i] + m.added[i]);
    }
  }
  return sum;
}

/// Where a lane's first row of the state stands; null where there is none.
template <class Value>
__device__ __forceinline__ Value* state_of(const SubbandChunkWalk& w, Value* state, int64_t group, int64_t row) {
  const int64_t column = static_cast<int64_t>(blockIdx.y) * 32 + threadIdx.x % 32;
  if (state == nullptr || row >= w.rows || column >= w.columns) return nullptr;
  return state + group * w.rows * w.columns + row * w.row_stride + column * w.column_stride;
}

/// The parts of `count` tokens from `first` on, in the walk's direction, added up and written.
__device__ __forceinline__ void give(const SubbandChunkWalk& w, int64_t place, int64_t first, int64_t count, bool adds,
                                     const float* parts) {
  const int64_t warps = blockDim.x / 32, outs = w.per_group ? w.groups : w.heads;
  for (int64_t i = threadIdx.x; i < count * 32; i += blockDim.x) {
    const int64_t column = static_cast<int64_t>(blockIdx.y) * 32 + i % 32;
    if (column >= w.out_width) continue;
    float sum = 0;
    for (int64_t warp = 0; warp < warps; ++warp) sum += parts[warp * kStep * 32 + i];
    const int64_t t = w.back ? first - i / 32 : first + i / 32;
    float* const to = w.out + ((place / outs * w.length + t) * outs + place % outs) * w.out_width + column;
    *to = adds ? *to + sum : sum;
  }
}

__device__ __forceinline__ void walk_head(const SubbandChunkWalk& w, int64_t place, int64_t head, bool adds, float* parts) {
  const int64_t outs = w.per_group ? w.groups : w.heads, sequence = place / outs;
  const int64_t repeats = w.heads / w.groups, group = sequence * w.groups + head / repeats;
  const int64_t warp = threadIdx.x / 32, warps = blockDim.x / 32;
  Column m;
  for (int i = 0; i < kPerWarp; ++i) {
    const float* const from = state_of(w, w.state_in, group, warp + i * warps);
    m.start[i] = from != nullptr && !adds ? *from : 0.0f, m.added[i] = 0;
  }
  for (int64_t done = 0; done < w.length; done += kStep) {
    const int64_t count = w.length - done < kStep ? w.length - done : kStep;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t t = w.back ? w.length - 1 - done - i : done + i;
      decay(w, sequence, head, w.back ? t + 1 : t, m);
      parts[(warp * kStep + i) * 32 + threadIdx.x % 32] = take_up(w, sequence, head, t, m);
    }
    __syncthreads();
    give(w, place, w.back ? w.length - 1 - done : done, count, adds, parts);
    __syncthreads();
    if ((done + kStep) % kSpan != 0) continue;
    for (int i = 0; i < kPerWarp; ++i) m.start[i] += m.added[i], m.added[i] = 0;
  }
  if (w.back && w.length > 0) decay(w, sequence, head, 0, m);
  if (w.state_out == nullptr || (!w.per_group && head % repeats != 0)) return;
  for (int i = 0; i < kPerWarp; ++i) {
    float* const to = state_of(w, w.state_out, group, warp + i * warps);
    if (to != nullptr) *to = (adds ? *to : 0.0f) + m.start[i] + m.added[i];
  }
}

/// `shared`: kStep * 32 floats a warp.
__device__ __forceinline__ void walk_body(const SubbandChunkWalk& w, float* shared) {
  const int64_t place = blockIdx.x, repeats = w.heads / w.groups;
  if (!w.per_group) return walk_head(w, place, place % w.heads, false, shared);
  for (int64_t r = 0; r < repeats; ++r) walk_head(w, place, place % w.groups * repeats + r, r > 0, shared);
}

}  // namespace chunk_state_kernel
}  // namespace subband
