// What the program says of itself: version, commit, build.
#pragma once
#include <string>

namespace subband {

/// Of the sources that the program was built from.
struct ProgramVersion {
  std::string version;  ///< `0.1.0`
  std::string commit;   ///< 40 hexadecimal digits; `unknown` outside a git checkout
  int changes = -1;     ///< files that differ from the commit; -1: not known
  std::string build;    ///< CMake's build type
};

ProgramVersion program_version();

/// `0.1.0 (05c7b2b, changed)`: for `--version`.
std::string program_version_text();

}  // namespace subband
