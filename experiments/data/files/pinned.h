// Data that must stay what they were when a run began.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "experiments/data.h"

namespace subband {

/// The same data; whatever is read of them is compared with `manifest`, the checksums that the run's identity holds.
/// Error `data.NAME: FILE: sha256 = …: was … when the run began; …`, of kind `changed`, for files that were changed since.
std::shared_ptr<Data> pinned_data(std::shared_ptr<const Data> data, const DataManifest& manifest);

/// One problem a file that is missing, new or different.
std::vector<Problem> manifest_changes(const std::string& place, const DataManifest& before,
                                      const DataManifest& now, const std::string& since);

}  // namespace subband
