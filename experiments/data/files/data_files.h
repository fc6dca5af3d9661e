// The files of one data set: found, unpacked, checked.
#pragma once
#include <filesystem>
#include <string>

namespace subband {

/// Names are looked up as by locate_data (data_place.h).
class DataFiles {
 public:
  /// `place`: `data.mnist`, for messages; `fetch`: what a missing file's message says to download.
  DataFiles(std::string place, std::filesystem::path root, std::string fetch);

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
