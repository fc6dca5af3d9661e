// The settings of runs: the leaves of their resolved configs, and in which of them runs differ.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "runs/index.h"

namespace subband {

/// `net.block.levels` -> `5`: every leaf of a run's config.
using Settings = std::map<std::string, std::string>;
Settings settings_of(const RunSummary& run);

/// Of each run the settings that are not those of most runs of its recipe, `net.block.bypass.type=none`; the seed apart.
std::vector<std::string> differing_settings(const std::vector<RunSummary>& runs);

}  // namespace subband
