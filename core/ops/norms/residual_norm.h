// A residual sum with its gains, and the normalisation behind it, in one operation. No CUDA header here.
#pragma once
#include <ATen/core/Tensor.h>

#include <string_view>
#include <vector>

namespace subband {

/// gain ⊙ y
struct ResidualTerm {
  at::Tensor y;     ///< [..., C]
  at::Tensor gain;  ///< [], or [C] for each channel its own; undefined: 1
};

enum class NormKind { layer, rms };
struct NormWeights {
  NormKind kind = NormKind::layer;
  at::Tensor weight_C, bias_C = {};  ///< bias: of `layer`
  double epsilon = 1e-5;
};

struct ResidualNorm {
  at::Tensor sum, normed;
};

/// sum = a ⊙ x + (b_1 ⊙ y_1 + b_2 ⊙ y_2 + ...);  normed = weight ⊙ (sum - mean) / sqrt(variance + epsilon) + bias, or
/// with `rms` weight ⊙ sum / sqrt(mean(sum²) + epsilon)
/// Shapes  x and every y [..., C] -> both [..., C]; one floating dtype and device. One branch at least
/// `path`  `auto`, or one of `reference`, `loops`, `cuda` by force; what ran is counted (op_paths.h)
/// Errors  ShapeError when shapes differ, or the forced path cannot take the input
ResidualNorm residual_norm(const ResidualTerm& x, const std::vector<ResidualTerm>& branches, const NormWeights& norm,
                           std::string_view path = "auto");
/// The sum alone.
at::Tensor residual_sum(const ResidualTerm& x, const std::vector<ResidualTerm>& branches,
                        std::string_view path = "auto");

namespace residual_norm_paths {

/// The meaning, plain ATen.
at::Tensor sum_reference(const ResidualTerm& x, const std::vector<ResidualTerm>& branches);
at::Tensor norm_reference(const at::Tensor& sum, const NormWeights& norm);

}  // namespace residual_norm_paths
}  // namespace subband
