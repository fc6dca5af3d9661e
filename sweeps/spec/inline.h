// A sweep of the command line: a recipe, and overrides of which some have several values.
//   subband sweep tinyshakespeare/wavelet optimizer.lr=0.01,0.02 net.layers=range(1,4)
// Every combination is a row, the first key slowest.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "sweeps/spec/spec.h"

namespace subband {

/// What a glob (`net=glob(*)`) chooses from: the options of a group.
using GroupOptions = std::function<std::vector<std::string>(const std::string& group)>;

/// The spec of a recipe alone, changed by `overrides` of its own keys (`seeds=[1,2]`). ConfigError as from bind_sweep.
SweepSpec spec_of_recipe(const std::string& name, const std::string& recipe,
                         std::span<const std::string> overrides);

/// Makes a factor of every override that has several values. Returns the others: they are every cell's. ConfigError for
/// values that cannot be written out.
std::vector<std::string> take_factors(SweepSpec& spec, std::span<const std::string> overrides,
                                      const GroupOptions& options);

}  // namespace subband
