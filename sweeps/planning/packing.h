// What of a plan runs at once, and how long all of it takes.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "sweeps/planning/plan.h"
#include "sweeps/scheduling/slots.h"

namespace subband {

/// What a launcher has for its workers.
struct WorkerRoom {
  int64_t jobs = 1;                  ///< worker processes at once
  int64_t threads = usable_cores();  ///< of all of them together, as far as one takes several
  std::optional<std::vector<SlotDevice>> devices = {};  ///< GPUs; nothing: as many as are wanted
};

/// What a worker of the cell needs.
SlotNeeds slot_needs(const PlannedCell& cell);

struct PlanPacking {
  std::optional<double> seconds;  ///< that the cells to be run are expected to take; nothing where one is unknown
  int64_t workers = 1;            ///< that the launcher has, or fewer where their threads or GPUs do not suffice for them
  double peak_mib = 0;            ///< of all processes at once at most, as far as it is known; what is on GPUs aside
};

/// As the scheduler deals the cells out: each in order, to the worker that is free first, as soon as its threads and GPUs are.
PlanPacking packing_of(const SweepPlan& plan, const WorkerRoom& room);

}  // namespace subband
