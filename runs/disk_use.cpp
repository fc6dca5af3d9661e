#include "runs/disk_use.h"

#include <algorithm>

namespace subband {

namespace fs = std::filesystem;

DiskUse disk_use(const fs::path& folder) {
  DiskUse use{.folder = folder.filename().string()};
  std::error_code none;
  for (fs::recursive_directory_iterator entry(folder, none), end; !none && entry != end;
       entry.increment(none)) {
    std::error_code failed;
    if (!entry->is_regular_file(failed)) continue;
    const uint64_t bytes = entry->file_size(failed);
    if (failed) continue;
    const fs::path inside = entry->path().lexically_relative(folder);
    const std::string name = inside.filename().string();
    if (*inside.begin() == "checkpoints")
      use.checkpoints += bytes;
    else if (name.starts_with("record.") || name == "log.txt" || name == "config.yaml" ||
             name.starts_with("lease."))
      use.record += bytes;
    else
      use.rest += bytes;
  }
  return use;
}

uint64_t keep_checkpoints(const fs::path& folder, const std::string& keep) {
  if (keep == "all") return 0;
  std::vector<fs::path> files;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder / "checkpoints", none)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".safetensors") && (name.starts_with("step-") || name.starts_with("best.")))
      files.push_back(entry.path());
    if (name == "packed.safetensors" && keep == "none") files.push_back(entry.path());  // small, and what was measured
  }
  std::ranges::sort(files);  // the best before the steps, which are in their order
  const bool has_best = !files.empty() && files.front().filename().string().starts_with("best.");
  fs::path kept;
  if (keep != "none" && !files.empty()) kept = keep == "best" && has_best ? files.front() : files.back();
  uint64_t freed = 0;
  for (const fs::path& file : files) {
    if (file == kept) continue;
    const uint64_t bytes = fs::file_size(file, none);
    if (fs::remove(file, none)) freed += bytes;
  }
  return freed;
}

}  // namespace subband
