#include "models/layers/spectral/spectral_linear.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/norm.h>
#include <c10/core/GradMode.h>

#include <cmath>

namespace subband {

static at::Tensor normalised(const at::Tensor& x) {
  return x.div(x.norm(2, {0}, /*keepdim=*/true).clamp_min(1e-12));
}

SpectralLinear::SpectralLinear(Initializer& initializer, const Purpose& purpose, int64_t width,
                               std::shared_ptr<const Noise> noise)
    : noise_(std::move(noise)) {
  const double bound = 1 / std::sqrt(static_cast<double>(width));
  original = add_parameter("weight_orig", initializer.uniform({width, width}, -bound, bound), purpose);
}

void SpectralLinear::start(Initializer& initializer) {
  u_ = register_buffer("weight_u", normalised(initializer.normal({original.size(0)}, 0, 1)));
  v_ = register_buffer("weight_v", normalised(initializer.normal({original.size(1)}, 0, 1)));
}

// Copies of the buffers, since the next use moves them while this one's graph is alive.
at::Tensor SpectralLinear::weight() {
  Replay* const replay = noise_ ? noise_->replay : nullptr;
  at::Tensor u, v;
  if (replay && replay->repeating) {
    u = replay->kept.at(replay->next++), v = replay->kept.at(replay->next++);
  } else {
    if (is_training()) iterate();
    u = u_.clone(), v = v_.clone();
    if (replay) replay->kept.insert(replay->kept.end(), {u, v});
  }
  return original / at::dot(u, at::mv(original, v));
}

void SpectralLinear::iterate() {
  const c10::NoGradGuard no_gradient;
  v_.copy_(normalised(at::mv(original.t(), u_)));
  u_.copy_(normalised(at::mv(original, v_)));
}

}  // namespace subband
