// A made-up program: a shell script that can be run.
#pragma once
#include <filesystem>
#include <fstream>
#include <string>

namespace subband::testing {

/// Its path.
inline std::string script(const std::filesystem::path& file, const std::string& lines) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << "#!/bin/sh\n" << lines;
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  return file.string();
}

}  // namespace subband::testing
