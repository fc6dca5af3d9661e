// Worker processes on this machine, forked from this one.
// Source  ours, a fork costs 8 ms where a new process that loads LibTorch costs 260
#include <algorithm>

#include "core/program/surroundings.h"
#include "sweeps/launcher.h"

namespace subband::launchers::local {

struct Config {
  int64_t jobs = 0;
  int64_t retries = 1;
  double lease_s = 20;
  std::vector<double> devices_mib;

  void bind(Binder& b) {
    b.field("jobs", jobs, {0, 4096},
            "worker processes at once; 0: one for each core that this process may use");
    b.field("retries", retries, {0, 1000},
            "of a cell whose worker is killed or lost; each goes on from its checkpoint");
    b.field("lease_s", lease_s, {0.2, 86400},
            "seconds after which a worker that gives no sign of life counts as gone, for others on the same "
            "store");
    b.field(
        "devices_mib", devices_mib, {1, 1e9},
        "memory of each GPU that cells may use, in the order of their numbers; empty: as nvidia-smi says");
  }
};

class LocalLauncher final : public Launcher {
 public:
  LocalLauncher(const Config& config, const LauncherContext&)
      : config_(config), jobs_(config.jobs > 0 ? config.jobs : usable_cores()) {}
  double lease_s() const override { return config_.lease_s; }
  WorkerRoom room(const SweepPlan& plan) const override {
    std::vector<SlotDevice> devices;
    const auto wants_device = [](const PlannedCell& cell) { return cell.devices > 0; };
    if (!config_.devices_mib.empty()) {
      for (size_t i = 0; i < config_.devices_mib.size(); ++i)
        devices.push_back({std::to_string(i), config_.devices_mib[i]});
    } else if (std::ranges::any_of(plan.cells, wants_device)) {
      devices = devices_of_this_machine();
    }
    return {.jobs = jobs_, .devices = std::move(devices)};
  }
  ScheduleResult launch(const SweepAtWork& sweep) const override {
    const ScheduleOptions options{.jobs = jobs_,
                                  .attempts = config_.retries + 1,
                                  .devices = *room(sweep.plan).devices,
                                  .worker_log = sweep.folder.string() + ".log"};
    return run_cells(sweep.queue, sweep.book, sweep.run_cell, options, sweep.observer);
  }

 private:
  Config config_;
  int64_t jobs_;
};

void add_to(LauncherRegistry& r) {
  r.add<LocalLauncher, Config>(
      {.name = "local",
       .summary = "worker processes on this machine",
       .source = "ours, a fork costs a thirtieth of a new process that loads LibTorch"});
}

}  // namespace subband::launchers::local
