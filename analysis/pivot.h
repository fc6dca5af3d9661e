// A grid of one or two axes as a table with an axis across and perhaps one down.
#pragma once
#include <optional>

#include "analysis/comparison.h"
#include "analysis/report.h"

namespace subband {

/// Nothing where the rows of the sweep are not the values of the same one or two settings.
std::optional<Table> pivot_table(const SweepManifest& sweep, const Comparison& comparison);

}  // namespace subband
