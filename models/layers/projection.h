// A linear map of a part, which knows what it is for.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>

#include "models/initializer.h"
#include "models/module.h"

namespace subband {

struct ProjectionPlan {
  Purpose purpose;  ///< of the weight; the bias is a bias
  int64_t in = 1, out = 1;
  bool bias = true;
};

/// y = W x + b. How the weights are stored is its own affair: everybody else asks it to apply itself.
class Projection final : public Module {
 public:
  /// Weight, then bias, start uniform in ±1/sqrt(in), as PyTorch's linear layer does.
  Projection(Initializer& first, const ProjectionPlan& plan);

  at::Tensor forward(const at::Tensor& x) const;  ///< Shapes  [..., in] -> [..., out]
  at::Tensor dense() const {
    return weight_;
  }  ///< W [out,in], for maps that are made of it; gradients flow back
  double flops(int64_t rows) const { return 2.0 * static_cast<double>(rows * in_ * out_); }
  int64_t in() const { return in_; }
  int64_t out() const { return out_; }
  at::ScalarType type() const { return weight_.scalar_type(); }  ///< of what it computes with
  const Purpose& purpose() const { return purposes().at("weight"); }

  /// Shared with the parameters and outside of autograd, for whoever sets other initial weights.
  at::Tensor first_weight() const { return weight_.detach(); }
  at::Tensor first_bias() const { return bias_.defined() ? bias_.detach() : bias_; }

 private:
  int64_t in_, out_;
  at::Tensor weight_, bias_;  // [out,in]; [out], or undefined
};

/// Several projections of one shape without bias, each on rows of its own, as one batched product.
/// Shapes  x [n,N,in] -> [n,N,out]
at::Tensor apply_each(std::span<const std::shared_ptr<Projection>> projections, const at::Tensor& x_nNI);

}  // namespace subband
