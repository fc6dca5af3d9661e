// The files of one data set: found, unpacked, checked.
#pragma once
#include <filesystem>
#include <map>
#include <mutex>
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
  /// SHA-256 of the file as it lies there, packed. `content`: what that of its unpacked content must be; Error, as from
  /// read, where it is not and unpacking costs little: what is large is compared when it is read.
  std::string checksum(const std::string& file, const std::string& content = "") const;
  /// Error `PLACE: FILE: sha256 of its content = …: must be …; fetch the file again` where the two differ.
  void expect_content(const std::string& file, const std::string& sha256, const std::string& wanted) const;

 private:
  std::string content_of(const std::filesystem::path& found, const std::string& packed_sha256) const;

  std::string place_;
  std::filesystem::path root_;
  std::string fetch_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::string> contents_;  // packed file and member -> SHA-256 of the content
};

}  // namespace subband
