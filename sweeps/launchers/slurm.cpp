// Job arrays of a cluster that Slurm runs: the cells' tasks, a frozen copy of the program, and nothing that is there already.
// Submits and leaves, or waits for the jobs (`wait: true`).
// Source  ours; the forms of sbatch and squeue are those of Slurm 22.05
#include <limits>

#include "sweeps/launcher.h"
#include "sweeps/slurm/submission.h"

namespace subband::launchers::slurm {

using Config = subband::slurm::Settings;

class SlurmLauncher final : public Launcher {
 public:
  SlurmLauncher(const Config& config, const LauncherContext&) : config_(config) {}
  WorkerRoom room(const SweepPlan&) const override {
    constexpr int64_t kMany = 1000;
    return {.jobs = config_.jobs > 0 ? config_.jobs : kMany, .threads = std::numeric_limits<int64_t>::max()};
  }
  double lease_s() const override { return config_.lease_s; }
  ScheduleResult launch(const SweepAtWork& sweep) const override {
    return subband::slurm::submit_sweep(config_, sweep);
  }

 private:
  Config config_;
};

void add_to(LauncherRegistry& r) {
  r.add<SlurmLauncher, Config>({.name = "slurm",
                                .summary = "job arrays of a cluster that Slurm runs",
                                .source = "ours; asks sbatch, squeue and scontrol"});
}

}  // namespace subband::launchers::slurm
