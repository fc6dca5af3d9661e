// Names of tensors as other programs write them: wrappers put prefixes before a net's own names.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/tensors/safetensors.h"

namespace subband {

/// Tensors under the names that a net knows, and under which name the file has each of them.
struct PlainNames {
  Tensors tensors;
  std::map<std::string, std::string> shown;  ///< plain name -> the file's own
  std::vector<Problem> problems;             ///< names that become one, `FILE: tensor 'a': …`
};

/// Takes `module.`, `model.`, `_orig_mod.` and their like off the front of names, as often as they stand there, where that
/// leads to a name that `is_known`; a name that leads nowhere stays as it is. The prefix of a compiled module goes
/// wherever it stands.
PlainNames plain_names(const Tensors& theirs, const std::string& file,
                       const std::function<bool(const std::string&)>& is_known);

/// Throws the complaints about one file, all of them in one Error (beyond 40 counted), and last the hint, which names the
/// option that matters. Returns where there are none.
void throw_complaints(std::vector<Problem> problems, const std::string& file, const std::string& hint);

}  // namespace subband
