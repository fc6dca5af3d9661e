#include "experiments/data/files/data_files.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/hash.h"
#include "experiments/data/files/data_place.h"
#include "experiments/data/files/unpack.h"

namespace subband {

namespace fs = std::filesystem;

DataFiles::DataFiles(std::string place, fs::path root, std::string fetch)
    : place_(std::move(place)), root_(std::move(root)), fetch_(std::move(fetch)) {}

fs::path DataFiles::find(const std::string& file) const { return locate_data(place_, root_, file, fetch_); }

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
