// What lifting.cpp does besides products: loops over rows of fp32, one pass over memory each (lifting_loops.cpp).
#pragma once
#include <cstdint>

namespace subband::lifting_paths {

/// Rows first to end - 1 of [B L, C], sequences of `length` rows.
struct Part {
  int64_t first, end, length, columns;
};
/// w[k] on the row that is first + k before.
struct Taps {
  int64_t first, count;
  const float* weights;
};

/// d = (past(c) - (q + bias)) scale; q has the part's rows alone
void detail(const Part& part, const Taps& taps, const float* c, const float* q, const float* bias,
            float scale, float* d);
/// y = (x factor + sign (u + bias)) scale; u has the part's rows alone; x == y is allowed.
struct Blend {
  float factor, sign, scale;
};
void blend(const Part& part, const Blend& blend, const float* x, const float* u, const float* bias, float* y);
/// y = x scale; adds the rows of y to sums [C].
void scaled(const Part& part, float scale, const float* x, float* y, float* sums);
/// y = (x + p) scale; adds the rows of y to sums [C]; p == y is allowed.
void added(const Part& part, float scale, const float* x, const float* p, float* y, float* sums);
/// y = x + p - sum_k w[k] q[t + first + k]: the way back of `detail`; p == y is allowed. The rows of q must all be there.
void past_backward(const Part& part, const Taps& taps, const float* x, const float* p, const float* q,
                   float* y);

}  // namespace subband::lifting_paths
