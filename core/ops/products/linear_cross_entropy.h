// The mean cross-entropy behind a linear map, without all logits at once. No CUDA header here.
#pragma once
#include <cstdint>
#include <string_view>

namespace at {
class Tensor;
}

namespace subband {

/// The mean over rows whose target is not -100 of log(sum over v of exp(l[v])) - l[target], l = x W'.
/// Loops and kernel hold the logits of one chunk of rows at a time, and turn them into their gradient where they stand.
/// Shapes  x [N,C], W [V,C], targets [N] int64 -> scalar, fp32 at least
/// `path`  `auto`, or one of `reference`, `loops`, `cuda` by force; what ran is counted (op_paths.h)
/// Errors  ShapeError when shapes do not fit, a target is no row of W, or the forced path cannot take x
at::Tensor linear_cross_entropy(const at::Tensor& x_NC, const at::Tensor& weight_VC,
                                const at::Tensor& targets_N, std::string_view path = "auto");

namespace linear_cross_entropy_paths {

at::Tensor reference(const at::Tensor& x_NC, const at::Tensor& weight_VC, const at::Tensor& targets_N);

/// Rows whose logits are held at once.
int64_t chunk_rows(int64_t vocabulary);

/// linear_cross_entropy_loops.cpp: the loss of one row; its logits become their gradient times `scale`.
float row_loss(int64_t vocabulary, int64_t target, float scale, float* logits);

}  // namespace linear_cross_entropy_paths
}  // namespace subband

/// linear_cross_entropy.cu: null when all is well, else a sentence that lives as long as the program. Losses of rows, whose
/// logits become their gradient; `factor`: one over the rows that count, on the device.
struct SubbandRowLosses {
  int64_t rows, vocabulary;
  int type;  ///< a cuda_values::Type (cuda_values.h) of the logits
  void* stream;
};
extern "C" const char* subband_cuda_row_losses(const SubbandRowLosses* rows, const int64_t* targets,
                                               const float* factor, void* logits, float* losses);
