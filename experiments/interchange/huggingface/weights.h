// The tensors of a Hugging Face folder and of our net: names, transposed maps, three maps in one.
#pragma once
#include <filesystem>
#include <string>

#include "core/tensors/safetensors.h"
#include "experiments/interchange/huggingface/decoder.h"
#include "experiments/training/checkpoints/checkpoint.h"

namespace subband::huggingface {

/// The tensors of `model.safetensors`, or of the shards that `model.safetensors.index.json` names; where there is
/// neither, of `pytorch_model.bin` or its shards, of which nothing is executed. Error for a folder without any, a shard
/// that is missing, or a name that its shard does not hold.
Tensors read_folder(const std::filesystem::path& folder);

/// `theirs`, of the folder `file`, under our names, fp32. `shapes`: our net's tensors, for their shapes alone (meta tensors will do).
/// Error that lists every name that is missing or unknown, every shape and dtype that does not fit, and a head that
/// differs from the embedding that it is tied to, and names that become one without their prefixes. Buffers that hold no weights (masks, rotary rates) are passed over.
Tensors weights_from(const Decoder& decoder, const Tensors& theirs, const Tensors& shapes, const std::string& file);

/// Our tensors (weights or gradients, all of them) under their names, as `save_pretrained` writes them.
Tensors weights_for(const Decoder& decoder, const Tensors& ours);

/// The decoder whose checkpoint it is. ConfigError as from decoder_of_net.
Decoder decoder_of_checkpoint(const Checkpoint& checkpoint);

}  // namespace subband::huggingface
