// Names that tensors of a checkpoint had before. One place knows them; whoever reads a checkpoint sees today's alone.
#pragma once
#include <string>

#include "core/tensors/safetensors.h"
#include "models/module.h"

namespace subband {

/// The tensors of a checkpoint of a net of this type; names of today stay as they are.
///   model/layers.0.history_gains           -> model/blocks.0.bypass.gains, of a wavelet_lm: once the original's names
///   model/blocks.0.mixer.history_gains     -> model/blocks.0.mixer.bypass.gains, of a mixer `wavelet` likewise
Tensors with_present_names(const Tensors& stored, const std::string& net_type);

/// The optimiser's state under today's names, without `optimizer/`; once its tensors were numbered.
///   optimizer/sum.3   of the parameter that was registered as number 3 in `net` -> sum.NAME
Tensors optimizer_state(const Tensors& stored, const torch::nn::Module& net);

}  // namespace subband
