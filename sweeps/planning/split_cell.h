// What lacked memory, planned anew: the same windows, each drawn micro-batch computed in halves, one after the other. That is
// a run of its own identity (`trainer.split`), equal to the whole one to rounding where nothing drops out.
#pragma once
#include "sweeps/planning/plan.h"

namespace subband {

/// Puts a cell whose micro-batches are computed in twice as many parts in the place of this one. False where the spec does not
/// ask for it (`on_memory: split`) or a part is one window already.
bool split_cell(SweepPlan& plan, size_t cell, const PrepareRow& prepare, const std::vector<RunSummary>& runs);

/// Does so for the cells whose runs in the store lacked memory, as often as that is known to be needed.
void split_known_cells(SweepPlan& plan, const PrepareRow& prepare, const std::vector<RunSummary>& runs);

}  // namespace subband
