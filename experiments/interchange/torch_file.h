// PyTorch's `.pt`: a zip archive of one pickle and the raw values of its tensors. Read strictly; nothing in
// it is executed.
#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "core/tensors/safetensors.h"

namespace subband {

struct TorchFile {
  Tensors tensors;  ///< CPU; a dictionary inside the dictionary gives names `outer/inner`
  std::map<std::string, std::string> texts;  ///< text and bytes likewise; other values are passed over
};

/// Reads what torch.save writes of a dictionary of tensors, since PyTorch 1.6. Tensors that share a storage
/// share it here.
/// Error `FILE: …` for anything damaged, cut, of another form, or with a name or opcode of no state
/// dictionary.
TorchFile read_torch_file(const std::filesystem::path& path);

}  // namespace subband
