// The queue of a fixed plan.
#pragma once
#include <memory>

#include "sweeps/planning/plan.h"
#include "sweeps/queue.h"

namespace subband {

/// The queue of a plan whose cells are known: each run once, whichever rows share it. Cells that depend on results:
/// `search/adaptive_queue.h`.
std::unique_ptr<CellQueue> make_queue(const SweepPlan& plan);

}  // namespace subband
