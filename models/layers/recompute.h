// Blocks whose inner values are not kept for backward but computed again there.
#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <vector>

#include "models/layers/dropout.h"

namespace subband {

/// Tensors in, tensors out; some of either may be undefined, as long as it is the same ones every time.
using BlockFunction = std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>&)>;

/// block(inputs) with the same values and gradients, keeping only `inputs`. In backward the block runs a second time,
/// with the same masks from `noise` and the same precision; what it changed the first time (power iterations) it finds
/// again through `Noise::replay`. At least one input must want a gradient, else nothing flows into the block's
/// parameters. A parameter used by several blocks gets its gradient summed block by block.
/// Source  Chen et al., arXiv 1604.06174
std::vector<at::Tensor> recomputed(const BlockFunction& block, const std::vector<at::Tensor>& inputs,
                                   const std::shared_ptr<Noise>& noise);

}  // namespace subband
