// Where data lie: in the program's own folders, or in a folder of the user's.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "core/config/node.h"

namespace subband {

/// The file or folder `name`: as it stands where it is absolute, else below `root`, else below $SUBBAND_DATA
/// (which `--data` sets). What stands behind a `#` is not looked at. A plain name also finds the file packed
/// as `.xz` or `.gz`. Error `PLACE: file = NAME: not found …; FETCH`.
std::filesystem::path locate_data(const std::string& place, const std::filesystem::path& root,
                                  const std::string& name, const std::string& fetch);

/// Names that lie neither below `root` nor below $SUBBAND_DATA, as absolute paths where they lie beside the file that wrote
/// them (`places`, one a name), else in the working folder. Others stay as they are.
void resolve_own_paths(std::vector<std::string>& names, const std::vector<config::Place>& places,
                       const std::filesystem::path& root);

}  // namespace subband
