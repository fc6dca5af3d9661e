// The CPU path of token_attention: keys and values stream through the first cache in blocks, which all queries of a
// group read there. The same loops are compiled for two instruction sets.
#include <algorithm>

#include "core/ops/sequence/token_attention.h"

namespace subband::token_attention_paths {

namespace {

constexpr int64_t kLanes = 16;  // independent sums, so that a reduction can use whole registers
constexpr int64_t kBlock = 64;  // rows

[[gnu::always_inline]] inline float dot(const float* __restrict a, const float* __restrict b, int64_t count) {
  float lanes[kLanes] = {};
  const int64_t whole = count - count % kLanes;
  for (int64_t i = 0; i < whole; i += kLanes)
    for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
  float half[kLanes / 2], quarter[kLanes / 4];
  for (int64_t lane = 0; lane < kLanes / 2; ++lane) half[lane] = lanes[lane] + lanes[lane + kLanes / 2];
  for (int64_t lane = 0; lane < kLanes / 4; ++lane) quarter[lane] = half[lane] + half[lane + kLanes / 4];
  float sum = (quarter[0] + quarter[1]) + (quarter[2] + quarter[3]);
  for (int64_t i = whole; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

[[gnu::always_inline]] inline void all_scores(const Extent& e, const float* q, const float* k, float* s) {
  for (int64_t block = 0; block < e.keys; block += kBlock) {
    const int64_t end = std::min(block + kBlock, e.keys);
    for (int64_t r = 0; r < e.queries; ++r)
      for (int64_t t = block; t < end; ++t) s[r * e.keys + t] = dot(q + r * e.key_width, k + t * e.key_width, e.key_width);
  }
}

// y += sum_t w[t] v[t] over `rows` rows, for kWidth channels that stay in registers.
template <int64_t kWidth>
[[gnu::always_inline]] inline void add_rows(const float* __restrict w, const float* __restrict v, int64_t stride,
                                            int64_t rows, float* __restrict y) {
  float sum[kWidth];
  for (int64_t c = 0; c < kWidth; ++c) sum[c] = y[c];
  for (int64_t t = 0; t < rows; ++t)
    for (int64_t c = 0; c < kWidth; ++c) sum[c] += w[t] * v[t * stride + c];
  for (int64_t c = 0; c < kWidth; ++c) y[c] = sum[c];
}

[[gnu::always_inline]] inline void all_sums(const Extent& e, const float* w, const float* v, float* y) {
  const int64_t V = e.value_width;
  std::fill_n(y, e.queries * V, 0.0f);
  for (int64_t block = 0; block < e.keys; block += kBlock) {
    const int64_t rows = std::min(kBlock, e.keys - block);
    for (int64_t r = 0; r < e.queries; ++r) {
      const float *weights = w + r * e.keys + block, *values = v + block * V;
      float* sum = y + r * V;
      int64_t c = 0;
      for (; c + 64 <= V; c += 64) add_rows<64>(weights, values + c, V, rows, sum + c);
      for (; c + 16 <= V; c += 16) add_rows<16>(weights, values + c, V, rows, sum + c);
      for (; c < V; ++c) add_rows<1>(weights, values + c, V, rows, sum + c);
    }
  }
}

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] void scores_avx2(const Extent& e, const float* q, const float* k, float* s) {
  all_scores(e, q, k, s);
}
[[gnu::target("avx2,fma")]] void sums_avx2(const Extent& e, const float* w, const float* v, float* y) {
  all_sums(e, w, v, y);
}
bool has_avx2() { return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0; }
#endif

}  // namespace

void scores(const Extent& e, const float* q, const float* k, float* s) {
#if defined(__x86_64__)
  if (has_avx2()) return scores_avx2(e, q, k, s);
#endif
  all_scores(e, q, k, s);
}

void sums(const Extent& e, const float* w, const float* v, float* y) {
#if defined(__x86_64__)
  if (has_avx2()) return sums_avx2(e, w, v, y);
#endif
  all_sums(e, w, v, y);
}

}  // namespace subband::token_attention_paths
