// Dropout whose masks come from a generator that was handed over, never from the global one.
#pragma once
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

namespace subband {

/// Where the parts of one net draw training noise; the net's `set_generator` fills it.
struct Noise {
  at::Generator generator;
};

/// Zeroes each value with probability `rate` and divides the others by 1 - rate; `x` itself when `rate` is 0 or
/// not `training`. ShapeError when there is something to draw and no generator.
at::Tensor dropout(const at::Tensor& x, double rate, bool training, const Noise* noise);

}  // namespace subband
