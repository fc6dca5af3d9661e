// Another store's runs, brought into this one: what a second machine computed beside the first.
#pragma once
#include <string>
#include <vector>

#include "runs/store.h"

namespace subband {

struct MergeResult {
  int64_t copied = 0;                ///< runs that were not here
  int64_t replaced = 0;              ///< runs that had not ended here and had there; ours are set aside
  int64_t known = 0;                 ///< here already
  int64_t sweeps = 0;                ///< manifests that were not here
  std::vector<std::string> notices;  ///< runs left out, and results that differ between the stores
};

/// Copies; `from` is left as it is. A run that somebody writes, on either side, is left out. Of a run with two results ours
/// stays, and the difference is said. So is one that cannot be read, on
/// either side. Error where this store cannot be written.
MergeResult merge_store(const Store& into, const Store& from);

}  // namespace subband
