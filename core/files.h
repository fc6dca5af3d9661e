// Files that are never half there: written under a temporary name, flushed to the disk, then renamed.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace subband {

/// The whole file. Error `FILE: cannot be read: <reason>` names the reason of the system, or where a link leads that leads
/// nowhere.
std::string read_file(const std::filesystem::path& path);

/// Replaces `path` by `content`, all or nothing: a reader, a crash or a full disk sees the old file or the new.
void write_file(const std::filesystem::path& path, std::string_view content);

/// As write_file, for content that is produced piece by piece; `produce` may call `sink` often.
using Sink = std::function<void(std::span<const std::byte>)>;
void write_file(const std::filesystem::path& path, const std::function<void(const Sink&)>& produce);

/// Whether a file, folder or link lies there, also a link that leads nowhere: what reads it says so, instead of taking
/// another file in its place.
bool lies_there(const std::filesystem::path& path);

/// A file mapped read-only into memory; the mapping ends with the object.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();
  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

/// Folder that holds the program's own files (`experiments/data`, recipes, sweeps): $SUBBAND_ROOT, else the
/// nearest folder above the program that has `experiments/recipes`.
std::filesystem::path program_root();

}  // namespace subband
