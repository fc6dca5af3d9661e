// The CPU path of fwht: a row stays in the first cache while two stages at a time pass over it. The same
// loops are compiled for three instruction sets; the additions are the same in each, so the bits are too.
#include <cmath>
#include <cstring>

#include "core/ops/hadamard/fwht.h"

namespace subband::fwht_paths {

namespace {

// Stages h and 2h in one pass.
template <class T>
[[gnu::always_inline]] inline void two_stages(T* __restrict y, int64_t n, int64_t h) {
  for (int64_t start = 0; start < n; start += 4 * h) {
    T* __restrict block = y + start;
    for (int64_t j = 0; j < h; ++j) {
      const T a = block[j], b = block[j + h], c = block[j + 2 * h], d = block[j + 3 * h];
      const T sum_ab = a + b, difference_ab = a - b, sum_cd = c + d, difference_cd = c - d;
      block[j] = sum_ab + sum_cd;
      block[j + h] = difference_ab + difference_cd;
      block[j + 2 * h] = sum_ab - sum_cd;
      block[j + 3 * h] = difference_ab - difference_cd;
    }
  }
}

template <class T>
[[gnu::always_inline]] inline void transform_rows(const T* x, T* y, int64_t rows, int64_t n) {
  const T scale = static_cast<T>(1 / std::sqrt(static_cast<double>(n)));
  for (int64_t row = 0; row < rows; ++row, x += n, y += n) {
    if (x != y) std::memcpy(y, x, static_cast<size_t>(n) * sizeof(T));
    int64_t h = 1;
    if (n >= 4) two_stages(y, n, 1), h = 4;  // constant distances: the compiler knows the shuffles
    if (n >= 16) two_stages(y, n, 4), h = 16;
    for (; 4 * h <= n; h *= 4) two_stages(y, n, h);
    if (2 * h == n) {
      for (int64_t j = 0; j < h; ++j) {
        const T a = y[j], b = y[j + h];
        y[j] = a + b;
        y[j + h] = a - b;
      }
    }
    for (int64_t j = 0; j < n; ++j) y[j] *= scale;
  }
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void rows_avx2(const float* x, float* y, int64_t rows, int64_t n) {
  transform_rows(x, y, rows, n);
}
[[gnu::target("avx512f")]] void rows_avx512(const float* x, float* y, int64_t rows, int64_t n) {
  transform_rows(x, y, rows, n);
}
#endif

}  // namespace

void loops(const float* x, float* y, int64_t rows, int64_t n) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return rows_avx512(x, y, rows, n);
  if (__builtin_cpu_supports("avx2")) return rows_avx2(x, y, rows, n);
#endif
  transform_rows(x, y, rows, n);
}

const char* loops_instructions() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return "avx512f";
  if (__builtin_cpu_supports("avx2")) return "avx2";
#endif
  return "baseline";
}

void loops(const double* x, double* y, int64_t rows, int64_t n) { transform_rows(x, y, rows, n); }

}  // namespace subband::fwht_paths
