// `subband new KIND NAME`: the files and the line of a part of one's own, to be changed from there.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "core/program/catalogue.h"

namespace subband {

/// What was written, for a person to go on with.
struct NewPart {
  std::vector<std::filesystem::path>
      files;            ///< the source, its test where the pattern has one, the CMakeLists.txt
  std::string pattern;  ///< whose copy it is
};

/// Copies `FOLDER/testing/new_KIND.cpp` where there is one, else the kind's smallest part, under the new name: file,
/// namespace, class, registered name and test. ConfigError for a kind or name that will not do; files are never replaced.
NewPart write_new_part(const Catalogue& catalogue, const std::filesystem::path& root, const std::string& kind,
                       const std::string& name);

/// The source alone, in the folder `into`: a part outside the checkout, or of an installed program.
NewPart write_new_source(const Catalogue& catalogue, const std::filesystem::path& root, const std::string& kind,
                         const std::string& name, const std::filesystem::path& into);

}  // namespace subband
