// PyTorch's `.pt`: a zip archive of one pickle and the raw values of its tensors. Read strictly; nothing in
// it is executed.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/tensors/safetensors.h"

namespace subband {

struct TorchFile {
  Tensors tensors;  ///< CPU; dictionaries inside the dictionary give names `outer/inner`
  std::map<std::string, std::string> texts;  ///< text and bytes likewise; other values are passed over
  std::map<std::string, std::string> unread;  ///< objects of other classes -> the class, `torch.QInt8Storage`
};

/// Reads what torch.save writes of a dictionary of tensors, since PyTorch 1.6. Tensors that share a storage
/// share it here.
/// Error `FILE: …` for anything damaged (checksums are checked), cut, or of another form, and for a pickle that would run
/// a program in Python.
TorchFile read_torch_file(const std::filesystem::path& path);

/// The net's own tensors of such a file.
struct StateDictionary {
  Tensors tensors;                   ///< names without the dictionary's
  std::vector<std::string> remarks;  ///< what was passed over
};

/// Of the dictionary called `model_state`, `state_dict`, `model` or the like, where the file has one; else of the only
/// dictionary. Error at `place` where there are several.
StateDictionary state_dictionary(const TorchFile& file, const std::string& place);

}  // namespace subband
