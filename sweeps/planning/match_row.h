// Rows that are to be as large as another net: the number that makes them so, found before anything is trained.
#pragma once
#include <optional>
#include <string>

#include "sweeps/planning/plan.h"

namespace subband {

/// The override that makes the row match, `net.width=72`. `base`: the bare base, bound, or nullptr. ConfigError where the
/// row does not bind, the number does not stand in its config, or no number is near enough: the nearest is named.
std::string matching_override(
    const SweepMatch& match, const PreparedRow* base,
    const std::function<PreparedRow(const std::vector<std::string>& more)>& prepare);

}  // namespace subband
