#include "models/layers/dropout.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace subband {

at::Tensor dropout(const at::Tensor& x, double rate, bool training, const Noise* noise) {
  if (!training || rate == 0) return x;
  if (noise == nullptr || !noise->generator.defined())
    throw ShapeError("dropout", "no generator to draw a mask from; call set_generator before training");
  // Drawn where the generator lives, so that the masks of one seed do not depend on the device of x.
  at::Tensor mask = at::empty(x.sizes(), x.options().device(noise->generator.device()));
  mask.bernoulli_(1 - rate, noise->generator).div_(1 - rate);
  return x * mask.to(x.device());
}

}  // namespace subband
