// A channel mixer: works on each position alone; several stand side by side in a block and their outputs add up.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/registry.h"
#include "models/block_context.h"
#include "models/module.h"
#include "models/state/sequence_state.h"

namespace subband {

class ChannelMixer : public Module {
 public:
  static constexpr const char* kKind = "channel_mixer";
  using Context = BlockContext;

  /// With `memory` x goes on from it: what learns while it is used keeps there what it has learned.
  /// Shapes  x [B,L,C] -> [B,L,C]
  virtual at::Tensor forward(const at::Tensor& x_BLC, LayerState* memory = nullptr) = 0;
  /// Bytes that `memory` keeps per sequence after `length` tokens, for `bytes_per_value` wide values.
  virtual int64_t state_bytes(int64_t, int64_t) const { return 0; }
  /// Floating-point operations of forward over one sequence, counted as Mixer::flops.
  virtual double flops(int64_t length) const = 0;
};

using ChannelMixerRegistry = KindRegistry<ChannelMixer>;

}  // namespace subband
