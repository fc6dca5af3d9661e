// Where the workers of a sweep run: on this machine, later on a cluster.
#pragma once
#include <cstdint>
#include <filesystem>

#include "core/registry.h"
#include "sweeps/scheduling/scheduler.h"

namespace subband {

struct LauncherContext {};

class Launcher {
 public:
  static constexpr const char* kKind = "launcher";
  using Context = LauncherContext;
  virtual ~Launcher() = default;
  /// Cells at once.
  virtual int64_t jobs() const = 0;
  /// Runs all cells and returns when they ended; `worker_log` takes what workers print.
  virtual ScheduleResult launch(size_t cells, const RunCell& run_cell,
                                const std::filesystem::path& worker_log,
                                ScheduleObserver& observer) const = 0;
};
using LauncherRegistry = KindRegistry<Launcher>;

/// Adds the parts of this folder.
void register_sweeps_parts(Registry& registry);

}  // namespace subband
