#include "experiments/data/files/data_place.h"

#include <fmt/format.h>

#include <cstdlib>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "experiments/data/files/unpack.h"

namespace subband {

namespace fs = std::filesystem;

fs::path locate_data(const std::string& place, const fs::path& root, const std::string& name,
                     const std::string& fetch) {
  std::error_code none;
  const bool is_absolute = fs::path(name).is_absolute();
  const char* own = std::getenv("SUBBAND_DATA");
  std::vector<fs::path> candidates = {is_absolute ? fs::path(name) : root / name};
  if (own != nullptr && !is_absolute) candidates.push_back(fs::path(own) / name);
  for (const fs::path& candidate : candidates) {
    for (const char* ending : {"", ".xz", ".gz"}) {
      const fs::path file = candidate.string() + ending, packed = packed_file(file);
      if (!lies_there(packed)) continue;
      if (!fs::is_directory(packed, none)) refuse_stand_in(packed);
      return file;
    }
  }
  const std::string looked = is_absolute ? ""
                                         : fmt::format(" in {} or SUBBAND_DATA = {}", root.string(),
                                                       own != nullptr ? own : "(not set)");
  throw Error(place, fmt::format("file = {}: not found{}; {}", name, looked,
                                 fetch.empty() ? "put it there or give its absolute path" : fetch));
}

static bool is_found(const fs::path& path) {
  for (const char* ending : {"", ".xz", ".gz"})
    if (lies_there(packed_file(path.string() + ending))) return true;
  return path.string().find_first_of("*?[") != std::string::npos && lies_there(path.parent_path());
}

void resolve_own_paths(std::vector<std::string>& names, const std::vector<config::Place>& places, const fs::path& root) {
  const char* own = std::getenv("SUBBAND_DATA");
  for (size_t i = 0; i < names.size(); ++i) {
    const fs::path name(names[i]);
    if (name.is_absolute() || name.empty() || is_found(root / name) || (own != nullptr && is_found(fs::path(own) / name)))
      continue;
    std::vector<fs::path> folders;
    if (i < places.size() && places[i].source && places[i].line > 0) {
      const fs::path writer(*places[i].source);  // a shipped file is named from the root
      folders = {writer.parent_path(), root / writer.parent_path()};
    }
    folders.emplace_back(".");
    for (const fs::path& folder : folders) {
      if (!is_found(folder / name)) continue;
      names[i] = fs::absolute(folder / name).lexically_normal().string();
      break;
    }
  }
}

}  // namespace subband
