// A linear map of a part, which knows what it is for.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>

#include "models/initializer.h"
#include "models/layers/weight_matrix.h"

namespace subband {

struct ProjectionPlan {
  Purpose purpose;  ///< of the weight; the bias is a bias
  int64_t in = 1, out = 1;
  bool bias = true;
};

/// y = W x + b. How the weights are stored is its own affair: everybody else asks it to apply itself.
class Projection final : public WeightMatrix {
 public:
  /// Weight, then bias, start uniform in ±1/sqrt(in), as PyTorch's linear layer does.
  Projection(Initializer& first, const ProjectionPlan& plan);

  at::Tensor forward(const at::Tensor& x) const { return times(x, bias_); }  ///< Shapes  [..., in] -> [..., out]
  double flops(int64_t rows) const { return 2.0 * static_cast<double>(rows * in() * out()); }
  int64_t in() const { return columns(); }
  int64_t out() const { return rows(); }
  const at::Tensor& bias() const { return bias_; }  ///< [out], or undefined; gradients flow back

  /// Shared with the parameters and outside of autograd, for whoever sets other initial weights.
  at::Tensor first_weight() const { return first_values(); }
  at::Tensor first_bias() const { return bias_.defined() ? bias_.detach() : bias_; }

 private:
  friend at::Tensor apply_each(std::span<const std::shared_ptr<Projection>> projections, const at::Tensor& x_nNI);

  at::Tensor bias_;  // [out], or undefined
};

/// Several projections of one shape without bias, each on rows of its own, as one batched product; packed ones each by
/// itself.
/// Shapes  x [n,N,in] -> [n,N,out]
at::Tensor apply_each(std::span<const std::shared_ptr<Projection>> projections, const at::Tensor& x_nNI);

}  // namespace subband
