// A linear map without bias whose matrix is divided by an estimate of its largest singular value.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "models/initializer.h"
#include "models/layers/dropout.h"
#include "models/module.h"

namespace subband {

/// M = W / σ,  σ = uᵀ W v. In training every use of M first makes one power iteration: v = norm(Wᵀ u), u = norm(W v);
/// u and v are buffers and carry no gradient. Miyato et al., arXiv 1802.05957.
class SpectralLinear final : public Module {
 public:
  /// `weight_orig` starts as that of a linear map. u and v are drawn by `start`, after what else the caller draws.
  SpectralLinear(Initializer& initializer, const Purpose& purpose, int64_t width,
                 std::shared_ptr<const Noise> noise);
  void start(Initializer& initializer);

  at::Tensor weight();  ///< M, [width, width]

  at::Tensor original;  ///< W

 private:
  void iterate();

  std::shared_ptr<const Noise> noise_;
  at::Tensor u_, v_;
};

}  // namespace subband
