// The CPU path of residual_norm: loops over whole rows of fp32 (residual_norm_loops.cpp).
#pragma once
#include <cstdint>

namespace subband::residual_norm_paths {

struct Rows {
  int64_t rows, columns;
};
/// `step` 0: one value for all channels; `values` null: 1.
struct Gain {
  const float* values = nullptr;
  int64_t step = 0;
};
struct Term {
  const float* y;
  Gain gain;
};
/// z = x + the sum of the branches, each with its gain.
void sum_rows(const Rows& rows, const Term& x, const Term* branches, int64_t count, float* z);

struct NormValues {
  bool subtracts_mean;
  const float *weight, *bias;  ///< bias may be null
  float epsilon;
};
/// n = norm(z); keeps mean and 1 / deviation of every row, two values each.
void norm_rows(const Rows& rows, const NormValues& norm, const float* z, float* n, float* kept);
/// d = g_z + what g, the gradient of n, is to z; adds to the sums of weight and bias [C]. `g_z` may be null, or d.
struct NormGradients {
  const float *g, *g_z;
  float *of_weight, *of_bias;  ///< of_bias may be null
};
void norm_rows_backward(const Rows& rows, const NormValues& norm, const float* z, const float* kept,
                        const NormGradients& gradients, float* d);
/// of_y = gain d, where it is not null; adds the gradient of the gain to `of_gain`, of one value or [C].
void gain_rows_backward(const Rows& rows, const Term& term, const float* d, float* of_y, float* of_gain);

}  // namespace subband::residual_norm_paths
