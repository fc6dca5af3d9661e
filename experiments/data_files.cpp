#include "experiments/data_files.h"

#include <fmt/format.h>

#include <cstdlib>
#include <optional>

#include "core/error.h"
#include "core/hash.h"
#include "experiments/unpack.h"

namespace subband {

namespace fs = std::filesystem;

// `path`, or its packed form.
static std::optional<fs::path> present(const fs::path& path) {
  std::error_code none;
  if (fs::exists(packed_file(path), none)) return path;
  for (const char* ending : {".xz", ".gz"}) {
    if (fs::exists(path.string() + ending, none)) return path.string() + ending;
  }
  return {};
}

DataFiles::DataFiles(std::string place, fs::path root, std::string fetch)
    : place_(std::move(place)), root_(std::move(root)), fetch_(std::move(fetch)) {}

fs::path DataFiles::find(const std::string& file) const {
  const bool is_absolute = fs::path(file).is_absolute();
  const char* own = std::getenv("SUBBAND_DATA");
  if (const auto found = present(is_absolute ? fs::path(file) : root_ / file)) return *found;
  if (own && !is_absolute) {
    if (const auto found = present(fs::path(own) / file)) return *found;
  }
  const std::string looked =
      is_absolute ? "" : fmt::format(" in {} or SUBBAND_DATA = {}", root_.string(), own ? own : "(not set)");
  throw Error(place_, fmt::format("file = {}: not found{}; {}", file, looked,
                                  fetch_.empty() ? "put it there or give its absolute path" : fetch_));
}

std::string DataFiles::read(const std::string& file, const std::string& sha256) const {
  std::string content = read_unpacked(find(file));
  if (sha256.empty()) return content;
  const std::string found = sha256_hex(content);
  if (found == sha256) return content;
  throw Error(place_, fmt::format("{}: sha256 of its content = {}: must be {}; fetch the file again", file,
                                  found, sha256));
}

std::string DataFiles::checksum(const std::string& file) const {
  return sha256_hex_of_file(packed_file(find(file)));
}

}  // namespace subband
