// Runs cells in forked worker processes, so many at once. Computes nothing itself and knows nothing of what a cell
// is. A worker that is killed costs its cell one retry; a scheduler that is killed takes its workers along.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "sweeps/scheduling/worker.h"

namespace subband {

/// Runs one cell to its end, in a process of its own. What it throws becomes the outcome `failed`.
using RunCell = std::function<CellOutcome(size_t cell, WorkerLink& link)>;

struct ScheduleOptions {
  int64_t jobs = 1;           ///< worker processes at once
  int64_t attempts = 2;       ///< of a cell whose worker is killed
  double held_pause_s = 0.5;  ///< before a cell that another process holds is asked for again
  std::filesystem::path
      worker_log;  ///< takes the workers' standard output and errors; empty: left as they are
};

/// Is told of every event, in the scheduler's process.
class ScheduleObserver {
 public:
  virtual ~ScheduleObserver() = default;
  virtual void started(size_t /*cell*/) {}
  virtual void progressed(size_t /*cell*/, const CellProgress&) {}
  virtual void held(size_t /*cell*/) {}  ///< waits for another process
  virtual void retried(size_t /*cell*/, const std::string& /*why*/) {}
  virtual void ended(size_t /*cell*/, const CellOutcome&) {}  ///< once for every cell that was begun
  virtual void stopping() {}                                  ///< the user asked to stop
  virtual void ticked() {}                                    ///< ten times a second
};

struct ScheduleResult {
  std::vector<CellOutcome> outcomes;  ///< of every cell; `stopped` for those that were not begun
  bool is_stopped = false;            ///< the user asked to stop before the end
};

/// Runs cells 0 … `cells` - 1, in this order. The first stop signal (core/program/signals.h):
/// workers are asked to checkpoint and stop; SIGINT or SIGTERM after it: they are killed; SIGUSR2 is passed on to them. Must be called before any thread, thread pool or device exists in this process.
/// Error when no process can be forked.
ScheduleResult run_cells(size_t cells, const RunCell& run_cell, const ScheduleOptions& options,
                         ScheduleObserver& observer);

/// Threads of this process.
size_t thread_count();

}  // namespace subband
