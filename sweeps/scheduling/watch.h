// A sweep seen from elsewhere: what runs, and how far it is, read from the store alone. Whoever computes the cells, in
// which process and on which machine, is not asked.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runs/store.h"
#include "runs/sweep_manifest.h"
#include "sweeps/scheduling/scheduler.h"

namespace subband {

class SweepWatch {
 public:
  /// Both must outlive it.
  SweepWatch(const Store& store, const SweepManifest& sweep, ScheduleObserver& observer);
  /// Reads what has changed and tells the observer. Runs that had ended before the first look are told to nobody.
  void look();
  bool is_over() const;     ///< every cell's run is there and settled
  int64_t running() const;  ///< runs that somebody writes, at the last look
  bool has_failed() const;  ///< some run that ended is not done, at the last look
  std::string rest() const;  ///< why the sweep waits for somebody to go on with it; empty: it does not

 private:
  struct Seen {
    std::optional<std::filesystem::path> folder;
    uint64_t bytes = 0;  // of the record at the last look
    Status status = Status::fresh;
    bool is_running = false;
  };
  void look_at(size_t cell);
  void tell(size_t cell, const RunRecord& run);

  const Store& store_;
  const SweepManifest& sweep_;
  ScheduleObserver& observer_;
  std::vector<Seen> seen_;
  bool is_first_ = true;
};

/// Looks twice a second until all is done, or nobody is at work and the sweep waits, or nobody has been at work for `idle_s`
/// seconds. Returns the exit code: 0 all
/// done, 4 where a cell is not.
int watch_sweep(SweepWatch& watch, ScheduleObserver& observer, double idle_s);

}  // namespace subband
