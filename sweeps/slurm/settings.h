// What a sweep asks of Slurm; `launcher: {type: slurm, …}`.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/config/binder.h"
#include "sweeps/planning/cell_task.h"

namespace subband::slurm {

struct Settings {
  int64_t jobs = 0;
  std::string account, partition, qos, constraint;
  std::vector<std::string> prologue, options;
  std::optional<int64_t> memory_mib, minutes;
  double memory_factor = 1.3, time_factor = 2;
  int64_t warning_s = 120, retries = 2;
  double lease_s = 120, poll_s = 2;
  bool wait = false;

  void bind(Binder& b);
};

/// The options of sbatch for what a cell needs: processors, memory, time, GPUs, and whose account pays.
std::vector<std::string> resource_options(const Settings& settings, const TaskNeeds& needs);

/// Where the script of a job array finds things.
struct ScriptPlace {
  std::string bundle;  ///< folder of the frozen program
  std::string store;   ///< of all runs
  std::string
      tasks;  ///< file with one line an element: a task's file, a tab, the step to pause at or nothing
  int64_t offset = 0;    ///< lines before those of this array
  int64_t elements = 0;  ///< of the whole wave
  std::string comment = {};  ///< of the wave's arrays, but for the number of lines before each
  std::vector<std::string>
      again;  ///< words that go on with the sweep when the wave has ended; empty: nothing to do then
};

/// The script of a job array. It passes a warning of the time limit on, so that the run writes a checkpoint, and asks for
/// another go; runs what crashed again, `retries` times. Where somebody has cancelled an element of the wave the sweep waits
/// (scheduling/rest.h) when the others have ended.
std::string array_script(const Settings& settings, const ScriptPlace& place);

/// A word for a shell, whatever letters it has.
std::string shell_word(const std::string& word);

}  // namespace subband::slurm
