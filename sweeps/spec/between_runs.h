// The rows between two runs of a store.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "runs/store.h"
#include "sweeps/spec/spec.h"

namespace subband {

/// Binds a recipe with overrides; throws what is wrong with it.
using TryRow = std::function<void(const std::string& recipe, const std::vector<std::string>& overrides)>;

/// Makes the rows of a spec with `between` out of its two runs; `every_cell`: overrides of the command line. Nothing for
/// a spec without. ConfigError where a run is not there, or both have the same config.
void read_between_runs(SweepSpec& spec, const Store& store, const std::vector<std::string>& every_cell,
                       const TryRow& row);

}  // namespace subband
