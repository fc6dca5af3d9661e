// Runs turns of cells in forked worker processes, so many at once. Computes nothing itself and knows nothing of what a
// cell is. A worker that is killed costs its cell one retry; a scheduler that is killed takes its workers along.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sweeps/queue.h"
#include "sweeps/scheduling/slots.h"
#include "sweeps/scheduling/worker.h"

namespace subband {

/// Runs one turn of a cell, in a process of its own. What it throws becomes the outcome `failed`.
using RunCell = std::function<CellOutcome(const CellTurn& turn, WorkerLink& link)>;

/// What the scheduler asks of the store, in its own process, while cells run. The usual answers are those of a store
/// that nobody else writes.
class CellBook {
 public:
  virtual ~CellBook() = default;
  /// The result of a run that is settled already: its turn needs no worker.
  virtual std::optional<CellResult> settled(size_t /*cell*/) { return std::nullopt; }
  /// Whether another process is at the run just now; asked before a worker is forked, and again after a pause.
  virtual bool is_held(size_t /*cell*/) { return false; }
  /// The result after a turn, from the record. After a crash it gets its end there.
  virtual CellResult result(size_t /*cell*/, const CellOutcome& outcome) { return {.outcome = outcome}; }
  virtual SlotNeeds needs(size_t /*cell*/) { return {}; }
};

struct ScheduleOptions {
  int64_t jobs = 1;           ///< worker processes at once
  int64_t attempts = 2;       ///< of a cell whose worker is killed
  double held_pause_s = 0.5;  ///< before a cell that another process holds is asked for again
  std::vector<SlotDevice> devices = {};  ///< of which workers get theirs
  std::filesystem::path worker_log =
      {};  ///< takes the workers' standard output and errors; empty: left as they are
};

/// What happens to a cell, or to all of them.
struct ScheduleEvent {
  enum class What {
    started,
    progressed,
    held,  ///< waits for another process; told once for each wait
    retried,
    ended,     ///< once for every turn that was begun
    stopping,  ///< the user asked to stop; of no cell
    ticked     ///< ten times a second; of no cell
  };
  What what;
  size_t cell = 0;
  CellProgress progress = {};  ///< of `progressed`
  CellOutcome outcome = {};    ///< of `ended`
  std::string why = {};        ///< of `retried`
};

/// Is told of every event, in the scheduler's process.
class ScheduleObserver {
 public:
  virtual ~ScheduleObserver() = default;
  virtual void hear(const ScheduleEvent& /*event*/) {}

  void started(size_t cell) { hear({.what = ScheduleEvent::What::started, .cell = cell}); }
  void progressed(size_t cell, const CellProgress& progress) {
    hear({.what = ScheduleEvent::What::progressed, .cell = cell, .progress = progress});
  }
  void held(size_t cell) { hear({.what = ScheduleEvent::What::held, .cell = cell}); }
  void retried(size_t cell, const std::string& why) {
    hear({.what = ScheduleEvent::What::retried, .cell = cell, .why = why});
  }
  void ended(size_t cell, const CellOutcome& outcome) {
    hear({.what = ScheduleEvent::What::ended, .cell = cell, .outcome = outcome});
  }
  void stopping() { hear({.what = ScheduleEvent::What::stopping}); }
  void ticked() { hear({.what = ScheduleEvent::What::ticked}); }
};

struct ScheduleResult {
  /// Of every cell that the queue named, by its number: the last outcome; `stopped` for those that were not begun.
  std::vector<CellOutcome> outcomes;
  bool is_stopped = false;     ///< the user asked to stop before the end
  std::string elsewhere = {};  ///< where the cells run that this process does not wait for; empty: nowhere

  /// `stopped` for a cell that was never named.
  CellOutcome of(size_t cell) const;
};

/// Runs what the queue hands out. The first stop signal (core/program/signals.h): workers are asked to checkpoint and
/// stop; SIGINT or SIGTERM after it: they are killed; SIGUSR2 is passed on to them. Must be called before any thread,
/// thread pool or device exists in this process. Error when no process can be forked.
ScheduleResult run_cells(CellQueue& queue, CellBook& book, const RunCell& run_cell,
                         const ScheduleOptions& options, ScheduleObserver& observer);

/// Threads of this process.
size_t thread_count();

}  // namespace subband
