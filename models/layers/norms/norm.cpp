#include "models/layers/norms/norm.h"

namespace subband {

Norm::Norm(Module& owner, const std::string& name, const NormFields& fields, const Initializer& first,
           int64_t width) {
  if (fields.kind == "rms")
    rms_ = owner.register_module(name, std::make_shared<RmsNorm>(first, width, fields.epsilon));
  else
    layer_ = owner.register_module(name, std::make_shared<LayerNorm>(first, width, fields.epsilon));
}

at::Tensor Norm::operator()(const at::Tensor& x_D) const {
  return rms_ ? rms_->forward(x_D) : layer_->forward(x_D);
}

NormWeights Norm::weights() const { return rms_ ? rms_->weights() : layer_->weights(); }

}  // namespace subband
