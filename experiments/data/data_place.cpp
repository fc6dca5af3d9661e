#include "experiments/data/data_place.h"

#include <fmt/format.h>

#include <cstdlib>
#include <vector>

#include "core/error.h"
#include "experiments/data/unpack.h"

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
      const fs::path file = candidate.string() + ending;
      if (fs::exists(packed_file(file), none)) return file;
    }
  }
  const std::string looked = is_absolute ? ""
                                         : fmt::format(" in {} or SUBBAND_DATA = {}", root.string(),
                                                       own != nullptr ? own : "(not set)");
  throw Error(place, fmt::format("file = {}: not found{}; {}", name, looked,
                                 fetch.empty() ? "put it there or give its absolute path" : fetch));
}

}  // namespace subband
