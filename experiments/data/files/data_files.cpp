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
  if (!sha256.empty()) expect_content(file, sha256_hex(content), sha256);
  return content;
}

std::string DataFiles::checksum(const std::string& file, const std::string& content) const {
  const fs::path found = find(file);
  const std::string sha256 = sha256_hex_of_file(packed_file(found));
  if (content.empty()) return sha256;
  if (const std::string known = content_of(found, sha256); !known.empty())
    expect_content(file, known, content);
  return sha256;
}

void DataFiles::expect_content(const std::string& file, const std::string& sha256,
                               const std::string& wanted) const {
  if (sha256 != wanted)
    throw Error(place_, fmt::format("{}: sha256 of its content = {}: must be {}; fetch the file again", file,
                                    sha256, wanted));
}

// Empty where the file is large. The same packed bytes are unpacked once.
std::string DataFiles::content_of(const fs::path& found, const std::string& packed_sha256) const {
  constexpr uintmax_t kSmall = 16 << 20;
  const fs::path packed = packed_file(found);
  if (packed == found && !is_packed(found)) return packed_sha256;
  if (fs::file_size(packed) > kSmall) return "";
  const std::scoped_lock lock(mutex_);
  std::string& content = contents_[packed_sha256 + found.string().substr(packed.string().size())];
  if (content.empty()) content = sha256_hex(read_unpacked(found));
  return content;
}

}  // namespace subband
