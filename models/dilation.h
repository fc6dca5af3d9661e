// A dilation: which past sample a level of the wavelet sets against the present one.
#pragma once
#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>

#include "core/registry.h"
#include "models/block_context.h"

namespace subband {

class Dilation : public torch::nn::Module {
 public:
  static constexpr const char* kKind = "dilation";
  using Context = BlockContext;

  /// The past of `c` as level `level` (from 0, the finest) sees it; positions before the window are zero.
  /// Shapes  c [B,L,C] -> [B,L,C]
  virtual at::Tensor past(const at::Tensor& c_BLC, int64_t level) = 0;
  /// The farthest distance that `past` reads at this level.
  virtual int64_t reach(int64_t level) const = 0;
};

using DilationRegistry = KindRegistry<Dilation>;

}  // namespace subband
