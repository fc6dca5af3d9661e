// A folder for temporary files that ends with its owner.
#pragma once
#include <filesystem>
#include <string>
#include <system_error>

#include "core/temporaries.h"

namespace subband {

class OwnFolder {
 public:
  OwnFolder() { std::filesystem::create_directories(path_); }
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;
  ~OwnFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_ = std::filesystem::temp_directory_path() / temporary_name("subband_bench");
};

}  // namespace subband
