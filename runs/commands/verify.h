// Whether a store says what it was told to keep.
#pragma once
#include <string>
#include <vector>

#include "core/error.h"
#include "runs/store.h"

namespace subband {

struct Verification {
  int64_t runs = 0;
  int64_t lines = 0;                 ///< whole record lines, each with its checksum
  std::vector<std::string> notices;  ///< torn tails of runs that were cut off: no damage
  std::vector<Problem> problems;     ///< damaged records, names that do not fit
};

/// Reads every line of the records in `folders`.
Verification verify_runs(const std::vector<std::filesystem::path>& folders);

}  // namespace subband
