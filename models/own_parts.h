// Parts that lie outside the program: objects that `subband build-part` compiled, named by SUBBAND_PARTS or `--parts`.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "core/registry.h"

namespace subband {

/// An object that is loaded.
struct OwnPart {
  std::filesystem::path file;
  std::string part;  ///< `mixer:decay_mean`
  std::string code;  ///< digest of its source
  void (*add)(Registry&) = nullptr;
};

/// Digest of the headers that parts are written against, as the program was built; a table that the build writes.
std::string built_headers();
/// What an object must have been compiled for: those headers, LibTorch, the compiler.
std::string own_part_frame();

/// The objects that SUBBAND_PARTS names, `a.so:b.so`, loaded. Error `FILE: …` where one is none, or was compiled for another
/// program.
std::vector<OwnPart> own_parts();
/// Adds them. Error where the program has a part of that name already.
void add_own_parts(Registry& registry);

}  // namespace subband
