// Dropout whose masks come from a generator that was handed over, never from the global one.
#pragma once
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstddef>
#include <vector>

namespace subband {

/// What a block changes while it runs, written down the first time and read the second, where its forward pass
/// is repeated in backward (recompute.h).
struct Replay {
  bool repeating = false;
  std::vector<at::Tensor> kept;
  size_t next = 0;
};

/// Where the parts of one net draw training noise; the net's `set_generator` fills it.
struct Noise {
  at::Generator generator;
  Replay* replay = nullptr;  ///< while a block runs that will be repeated
};

/// Zeroes each value with probability `rate` and divides the others by 1 - rate; `x` itself when `rate` is 0 or
/// not `training`. ShapeError when there is something to draw and no generator.
at::Tensor dropout(const at::Tensor& x, double rate, bool training, const Noise* noise);

}  // namespace subband
