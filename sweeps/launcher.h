// Where the workers of a sweep run: on this machine or on a cluster.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

#include "core/registry.h"
#include "sweeps/planning/packing.h"
#include "sweeps/planning/plan.h"
#include "sweeps/scheduling/scheduler.h"
#include "sweeps/scheduling/store_book.h"

namespace subband {

struct LauncherContext {};

/// A planned sweep, as a launcher is handed it.
struct SweepAtWork {
  const SweepPlan& plan;  ///< grows while a queue adds cells
  StoreBook& book;
  CellQueue& queue;
  RunCell run_cell;                ///< for workers forked from this process
  std::filesystem::path store;     ///< the folder of all runs
  std::filesystem::path folder;    ///< the sweep's own, in the store
  std::vector<std::string> again;  ///< words of the program that go on with this sweep
  ScheduleObserver& observer;
};

class Launcher {
 public:
  static constexpr const char* kKind = "launcher";
  using Context = LauncherContext;
  virtual ~Launcher() = default;
  /// What it has for the workers of a plan.
  virtual WorkerRoom room(const SweepPlan& plan) const = 0;
  /// Seconds after which a silent worker counts as gone.
  virtual double lease_s() const = 0;
  /// Runs what the queue hands out and returns when that is done, or when it is on its way elsewhere.
  virtual ScheduleResult launch(const SweepAtWork& sweep) const = 0;
};
using LauncherRegistry = KindRegistry<Launcher>;

/// Adds the parts of this folder.
void register_sweeps_parts(Registry& registry);

}  // namespace subband
