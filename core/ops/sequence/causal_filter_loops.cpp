// The CPU path of causal_filter: every row of y is written once, while the K rows of x that it needs are in the first
// cache. The same loops are compiled for two instruction sets.
#include <algorithm>

#include "core/ops/sequence/causal_filter.h"

namespace subband::causal_filter_paths {

namespace {

constexpr int64_t kLanes = 16;  // independent sums, so that a reduction can use whole registers

[[gnu::always_inline]] inline void add_scaled(float* __restrict y, const float* __restrict x, float weight,
                                              int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] += weight * x[i];
}

[[gnu::always_inline]] inline void scale_into(float* __restrict y, const float* __restrict x, float weight,
                                              int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = weight * x[i];
}

[[gnu::always_inline]] inline double dot(const float* __restrict a, const float* __restrict b,
                                         int64_t count) {
  float lanes[kLanes] = {};
  const int64_t whole = count - count % kLanes;
  for (int64_t i = 0; i < whole; i += kLanes)
    for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
  double sum = 0;
  for (const float lane : lanes) sum += lane;
  for (int64_t i = whole; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

// y[t] = sum_k w[k] x[t + direction (first + k)], over one sequence; positions outside it are zero.
[[gnu::always_inline]] inline void filter(const Extent& e, const float* x, const float* weights, float* y,
                                          int64_t direction) {
  for (int64_t t = 0; t < e.length; ++t, y += e.channels) {
    bool empty = true;
    for (int64_t k = 0; k < e.taps; ++k) {
      const int64_t source = t + direction * (e.first + k);
      if (source < 0 || source >= e.length) continue;
      if (empty)
        scale_into(y, x + source * e.channels, weights[k], e.channels);
      else
        add_scaled(y, x + source * e.channels, weights[k], e.channels);
      empty = false;
    }
    if (empty) std::fill_n(y, e.channels, 0.0f);
  }
}

[[gnu::always_inline]] inline void correlate(const Extent& e, const float* gradient, const float* x,
                                             double* gradient_w) {
  for (int64_t t = e.first; t < e.length; ++t) {
    for (int64_t k = 0; k < e.taps && e.first + k <= t; ++k)
      gradient_w[k] += dot(gradient + t * e.channels, x + (t - e.first - k) * e.channels, e.channels);
  }
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void filter_avx2(const Extent& e, const float* x, const float* weights, float* y,
                                         int64_t direction) {
  filter(e, x, weights, y, direction);
}
[[gnu::target("avx2")]] void correlate_avx2(const Extent& e, const float* gradient, const float* x,
                                            double* gradient_w) {
  correlate(e, gradient, x, gradient_w);
}
#endif

bool has_avx2() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") != 0;
#else
  return false;
#endif
}

void filter_all(const Extent& e, const float* x, const float* weights, float* y, int64_t direction) {
  const int64_t step = e.length * e.channels;
  for (int64_t b = 0; b < e.batch; ++b, x += step, y += step) {
#if defined(__x86_64__)
    if (has_avx2()) {
      filter_avx2(e, x, weights, y, direction);
      continue;
    }
#endif
    filter(e, x, weights, y, direction);
  }
}

}  // namespace

const char* loops_instructions() { return has_avx2() ? "avx2" : "baseline"; }

void loops(const Extent& extent, const float* x, const float* weights, float* y) {
  filter_all(extent, x, weights, y, -1);
}

void loops_backward(const Extent& extent, const float* gradient, const float* weights, float* gradient_x) {
  filter_all(extent, gradient, weights, gradient_x, +1);
}

void loops_backward_weights(const Extent& e, const float* gradient, const float* x, double* gradient_w) {
  std::fill_n(gradient_w, e.taps, 0.0);
  const int64_t step = e.length * e.channels;
  for (int64_t b = 0; b < e.batch; ++b, gradient += step, x += step) {
#if defined(__x86_64__)
    if (has_avx2()) {
      correlate_avx2(e, gradient, x, gradient_w);
      continue;
    }
#endif
    correlate(e, gradient, x, gradient_w);
  }
}

}  // namespace subband::causal_filter_paths
