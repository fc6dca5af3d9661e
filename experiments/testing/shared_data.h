// Data sets that lie beside the project while it is developed; tests that need one skip where it is missing.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>

#include "core/files.h"

namespace subband::testing {

/// While it lives SUBBAND_DATA is the folder of the shared data sets.
class SharedData {
 public:
  SharedData() {
    if (const char* own = std::getenv("SUBBAND_DATA")) before_ = own;
    const char* shared = std::getenv("SUBBAND_SHARED");
    folder_ = (shared ? std::filesystem::path(shared) : program_root() / ".." / "shared") / "data";
    ::setenv("SUBBAND_DATA", folder_.c_str(), 1);
  }
  SharedData(const SharedData&) = delete;
  SharedData& operator=(const SharedData&) = delete;
  ~SharedData() { before_ ? ::setenv("SUBBAND_DATA", before_->c_str(), 1) : ::unsetenv("SUBBAND_DATA"); }

  /// Whether `file` is there; where it is not, the reason is printed.
  bool has(const std::string& file) const {
    if (std::filesystem::exists(folder_ / file)) return true;
    std::cout << "skipped: no " << (folder_ / file).string() << "; set SUBBAND_SHARED\n";
    return false;
  }
  std::filesystem::path path(const std::string& file) const { return folder_ / file; }

 private:
  std::optional<std::string> before_;
  std::filesystem::path folder_;
};

}  // namespace subband::testing
