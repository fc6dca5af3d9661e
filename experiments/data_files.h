// Where the files of a data set are looked for.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace subband {

/// Relative names are looked for below the program's root, then below $SUBBAND_DATA (`--data`).
class DataFiles {
 public:
  /// `place`: `data.mnist`, for messages; `fetch`: what a missing file's message says to download.
  DataFiles(std::string place, std::filesystem::path root, std::string fetch);

  /// The file, `archive.zip#member` allowed; a plain name also finds `.xz` and `.gz`.
  /// Error `data.mnist: file = …: not found in … or SUBBAND_DATA = …; <fetch>`.
  std::filesystem::path find(const std::string& file) const;
  /// Its unpacked content. Error when `sha256` is given and is not the content's.
  std::string read(const std::string& file, const std::string& sha256 = "") const;
  /// SHA-256 of the file as it lies there, packed.
  std::string checksum(const std::string& file) const;

 private:
  std::string place_;
  std::filesystem::path root_;
  std::string fetch_;
};

}  // namespace subband
