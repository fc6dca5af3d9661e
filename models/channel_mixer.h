// A channel mixer: works on each position alone; several stand side by side in a block and their outputs add up.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/registry.h"
#include "models/block_context.h"
#include "models/module.h"

namespace subband {

class ChannelMixer : public Module {
 public:
  static constexpr const char* kKind = "channel_mixer";
  using Context = BlockContext;

  /// Shapes  x [B,L,C] -> [B,L,C]
  virtual at::Tensor forward(const at::Tensor& x_BLC) = 0;
  /// Floating-point operations of forward over one sequence, counted as Mixer::flops.
  virtual double flops(int64_t length) const = 0;
  /// Learning while the net is used, without gradients: tokens between two updates (0: never), one update from
  /// what forward read on a stretch of a stream, [B,L,C], and the way back to what training left.
  virtual int64_t learns_every() const { return 0; }
  virtual void learn(const at::Tensor&) {}
  virtual void forget() {}
};

using ChannelMixerRegistry = KindRegistry<ChannelMixer>;

}  // namespace subband
