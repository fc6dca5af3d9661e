// Where data lie: in the program's own folders, or in a folder of the user's.
#pragma once
#include <filesystem>
#include <string>

namespace subband {

/// The file or folder `name`: as it stands where it is absolute, else below `root`, else below $SUBBAND_DATA
/// (which `--data` sets). What stands behind a `#` is not looked at. A plain name also finds the file packed
/// as `.xz` or `.gz`. Error `PLACE: file = NAME: not found …; FETCH`.
std::filesystem::path locate_data(const std::string& place, const std::filesystem::path& root,
                                  const std::string& name, const std::string& fetch);

}  // namespace subband
