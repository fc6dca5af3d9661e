// What runs take on the disk, and which of their checkpoints stay.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace subband {

/// Bytes of a run's folder.
struct DiskUse {
  std::string folder;   ///< its name
  uint64_t record = 0;  ///< record, log and config
  uint64_t checkpoints = 0;
  uint64_t rest = 0;
  uint64_t total() const { return record + checkpoints + rest; }
};
DiskUse disk_use(const std::filesystem::path& folder);

/// What is left of a finished run's checkpoints: `all` of them, the `last`, the `best` (the last where no best weights are
/// kept), or `none`.
inline const std::vector<std::string> kKeepWords = {"all", "last", "best", "none"};
/// Removes the others. Files that will not go stay. Returns the bytes that were freed.
uint64_t keep_checkpoints(const std::filesystem::path& folder, const std::string& keep);

}  // namespace subband
