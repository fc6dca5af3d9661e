#include "models/layers/positions/sinusoids.h"

#include <ATen/ATen.h>

#include <string>

#include "core/error.h"
#include "core/tensors/expect.h"

namespace subband {

at::Tensor sinusoids(const at::Tensor& positions_P, int64_t width, std::string_view layout) {
  expect_shape("sinusoids", "positions", positions_P, {kAny});
  if (width % 2 != 0) throw ShapeError("sinusoids", "width = " + std::to_string(width) + ": must be even");
  const at::Tensor positions = positions_P.to(at::kFloat);
  const at::Tensor powers = at::arange(0, width, 2, positions.options()).div(static_cast<double>(width));
  const at::Tensor angles = positions.unsqueeze(1) * at::pow(10000, powers).reciprocal();
  if (layout == "halves") return at::cat({angles.sin(), angles.cos()}, 1);
  if (layout == "interleaved") return at::stack({angles.sin(), angles.cos()}, 2).flatten(1);
  throw ShapeError("sinusoids", "layout = " + std::string(layout) + ": must be halves or interleaved");
}

}  // namespace subband
