// Worker processes on this machine, forked from this one.
// Source  ours, a fork costs 8 ms where a new process that loads LibTorch costs 260
#include "core/program/surroundings.h"
#include "sweeps/launcher.h"

namespace subband::launchers::local {

struct Config {
  int64_t jobs = 0;

  void bind(Binder& b) {
    b.field("jobs", jobs, {0, 4096},
            "worker processes at once; 0: one for each core that this process may use");
  }
};

class LocalLauncher final : public Launcher {
 public:
  LocalLauncher(const Config& config, const LauncherContext&)
      : jobs_(config.jobs > 0 ? config.jobs : usable_cores()) {}
  int64_t jobs() const override { return jobs_; }
  ScheduleResult launch(size_t cells, const RunCell& run_cell, const std::filesystem::path& worker_log,
                        ScheduleObserver& observer) const override {
    return run_cells(cells, run_cell, {.jobs = jobs_, .worker_log = worker_log}, observer);
  }

 private:
  int64_t jobs_;
};

void add_to(LauncherRegistry& r) {
  r.add<LocalLauncher, Config>(
      {.name = "local",
       .summary = "worker processes on this machine",
       .source = "ours, a fork costs a thirtieth of a new process that loads LibTorch"});
}

}  // namespace subband::launchers::local
