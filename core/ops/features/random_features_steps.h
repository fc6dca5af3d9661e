// The steps between products and features on either device: the loops of random_features.h on the CPU, else the kernels of
// features_cuda.h. All tensors are fp32, without gaps, and on one device.
#pragma once
#include <ATen/core/Tensor.h>

#include "core/ops/features/random_features.h"

namespace subband::random_features_steps {

using random_features_paths::Rows;

void rectify(const Rows& rows, const at::Tensor& p_NM);
void exponentiate_queries(const Rows& rows, const at::Tensor& p_NM);
void key_logarithms(const Rows& rows, const at::Tensor& x_NK, const at::Tensor& p_NM, const at::Tensor& largest_N);
void exponentiate(const Rows& rows, const at::Tensor& c_N, const at::Tensor& log_NM);

/// c and the decay of whole rows, in their order in time.
struct Peaks {
  at::Tensor before_BG;  ///< or undefined
  at::Tensor largest_BLG, c_BLG, decay_BLG;
};
/// Of rows from `first` on, where those before them are done; on a device of all at once.
void advance(const Peaks& peaks, int64_t first, int64_t count);

struct Gradients {
  at::Tensor f_NM, g_NM, of_p_NM, sums_N;
};
void backward(const Rows& rows, FeatureMap map, const Gradients& gradients);
void norms_backward(const Rows& rows, const at::Tensor& x_NK, const at::Tensor& sums_N, const at::Tensor& of_x_NK);

}  // namespace subband::random_features_steps
