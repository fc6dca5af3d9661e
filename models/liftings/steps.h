// The ladder of lifting steps that the learned liftings share.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

#include "models/dilation.h"
#include "models/state/sequence_state.h"

namespace subband::liftings {

/// A map of level `level`, position by position.  Shapes  [B,L,C] -> [B,L,C]
using LevelMap = std::function<at::Tensor(const at::Tensor& x_BLC, int64_t level)>;

struct LadderSteps {
  int64_t levels;
  LevelMap predict, update;
};
/// d_l = (past(c_l) - predict_l(c_l)) / sqrt2,  c_{l+1} = (c_l + update_l(d_l)) / sqrt2,  c_0 = h. With `memory` h goes on
/// from the inputs of every level there.
/// Shapes  h [B,L,C] -> z [S,B,L,C], from the approximation to the finest detail
at::Tensor analyse(const at::Tensor& h_BLC, Dilation& dilation, const LadderSteps& steps, LayerState* memory);

/// Where the inputs of level `level` stand; null without a memory.
RowBuffer* inputs_of_level(LayerState* memory, const Dilation& dilation, int64_t level);

/// c_l = sqrt2 c_{l+1} - update_l(d_l), from the coarsest level down. `updates_of(d)` gives all levels' updates at
/// once, since none waits for another.  Shapes  details [levels,B,L,C], coarsest first, both ways
using AllLevels = std::function<at::Tensor(const at::Tensor& details)>;
at::Tensor synthesise(const at::Tensor& z_SBLC, const AllLevels& updates_of);

}  // namespace subband::liftings
