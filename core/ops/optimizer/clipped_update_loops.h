// The CPU path of clipped_update: plain pointers, one pass over memory (clipped_update_loops.cpp).
#pragma once
#include <cstdint>

namespace subband::clipped_update_paths {

/// A piece of one tensor, its gradient and its state.
struct Piece {
  float* parameter;
  const float* gradient;
  float *first, *second;  ///< second: of AdamW
  int64_t count;
};
/// `factor` clips. Of AdamW: `rate` is that over 1 - b1^t, `root` is sqrt(1 - b2^t).
struct Factors {
  float factor, rate, weight_decay, eps;
  float kept = 1;                    ///< of AdamW: 1 - lr wd
  float beta1 = 0, beta2 = 0, root = 1;  ///< of AdamW
  float of_gradient = 1, of_square = 1;  ///< of AdamW: 1 - b1, 1 - b2
};
void adagrad(const Piece& piece, const Factors& factors);
void adamw(const Piece& piece, const Factors& factors);
/// Their sum, for a few thousand values.
double squares(const float* values, int64_t count);

}  // namespace subband::clipped_update_paths
