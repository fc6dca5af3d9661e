// What biased_fwht.cpp does besides the transform, row by row of fp32 (biased_fwht_loops.cpp).
#pragma once
#include <cstdint>

namespace subband::biased_fwht_paths {

/// `rows` rows of n values, of which the first C have a bias.
struct Rows {
  int64_t rows, n, columns;
};
/// y = z + context gains; z == y is allowed.
void add_bias(const Rows& rows, const float* z, const float* context, const float* gains, float* y);
/// From g = dy: adds to the gradient of the context [rows, C], and to that of the gains [C].
void bias_backward(const Rows& rows, const float* g, const float* context, const float* gains,
                   float* of_context, float* of_gains);
/// y *= factor over `count` values; their product with x before that, added up.
float scale_and_dot(int64_t count, float factor, const float* x, float* y);

}  // namespace subband::biased_fwht_paths
