// The waterfall of a sweep whose rows each add one change to the row before (`add`, `between`): what each of them gave.
#pragma once
#include <optional>

#include "analysis/comparison.h"
#include "analysis/report.h"

namespace subband {

/// From the first row to the last: value, change with its 95 % interval of Student's t over the seeds that both rows
/// have, share of the whole. Nothing where the rows are no such ladder of three or more.
std::optional<Table> waterfall_table(const Comparison& comparison);

}  // namespace subband
