// The built program, for tests of the whole.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/testing/catch.h"

namespace subband::testing {

/// Its path; empty where SUBBAND_PROGRAM names none.
inline std::string built_program() {
  const char* path = std::getenv("SUBBAND_PROGRAM");
  return path != nullptr && std::filesystem::exists(path) ? path : "";
}

/// Whether a test has no program to run; says so then.
inline bool lacks_program() {
  if (!built_program().empty()) return false;
  WARN("skipped: SUBBAND_PROGRAM names no program");
  return true;
}

}  // namespace subband::testing
