// Layer or root-mean-square normalisation, chosen by name.
#pragma once
#include <memory>
#include <string>

#include "models/layers/norms/layer_norm.h"
#include "models/layers/norms/rms_norm.h"
#include "models/module.h"

namespace subband {

struct NormFields {
  std::string kind = "layer";  ///< `layer` or `rms`
  double epsilon = 1e-5;
};

class Norm {
 public:
  /// Registers the normalisation of the last axis, of `width`, in `owner` under `name`.
  Norm(Module& owner, const std::string& name, const NormFields& fields, const Initializer& first,
       int64_t width);
  at::Tensor operator()(const at::Tensor& x_D) const;  ///< Shapes  [..., D] -> [..., D]
  NormWeights weights() const;                         ///< for residual_norm

 private:
  std::shared_ptr<RmsNorm> rms_;
  std::shared_ptr<LayerNorm> layer_;
};

}  // namespace subband
