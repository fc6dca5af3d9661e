// Names that tensors of a checkpoint had before: one place knows them, and whoever reads a checkpoint asks it.
#pragma once
#include <torch/nn/module.h>

#include "core/tensors/safetensors.h"

namespace subband {

/// The tensors of a checkpoint of `net` under the names that they have today. Unknown names stay as they are.
///   optimizer/sum.3   state of the third parameter, counted from 0 -> optimizer/sum.NAME
Tensors with_present_names(const Tensors& stored, const torch::nn::Module& net);

}  // namespace subband
