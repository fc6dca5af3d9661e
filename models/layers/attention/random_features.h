// Random features of the softmax kernel, FAVOR+ (Choromanski et al. 2021, arXiv 2009.14794):
//   exp(x·y) = E[ f(x)·f(y) ],   f(x)_i = M^(-1/2) exp(w_i·x - |x|²/2),   w_i ~ N(0, I)
#pragma once
#include <ATen/core/Tensor.h>
#include <c10/util/ArrayRef.h>

#include <cstdint>
#include <functional>

namespace subband {

struct RandomRows {
  int64_t count = 1;       ///< M
  int64_t width = 1;       ///< K
  bool orthogonal = true;  ///< in blocks of K rows
  bool constant_norm =
      false;  ///< sqrt(K) for every row (less variance, biased) in place of a Gaussian row's norm
};

/// Draws W [M,K] from `normal`, which gives fresh N(0,1) values of a shape, fp32 on the CPU.
/// Orthogonal rows keep the distribution of each single row: directions uniform, norms those of Gaussian
/// rows.
at::Tensor random_rows(const RandomRows& rows, const std::function<at::Tensor(at::IntArrayRef)>& normal);

/// log of M^(1/2) f(x).  Shapes  x [...,K], W [M,K] -> [...,M]
at::Tensor log_features(const at::Tensor& x, const at::Tensor& rows_MK);

}  // namespace subband
