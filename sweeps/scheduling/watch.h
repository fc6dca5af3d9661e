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
  /// Store and observer must outlive it.
  SweepWatch(const Store& store, SweepManifest sweep, ScheduleObserver& observer);
  /// The manifest as it is now: cells that a queue has added since are looked at, too.
  void follow(SweepManifest sweep);
  /// Reads what has changed and tells the observer. Runs that had ended before the first look are told to nobody.
  void look();
  bool is_over() const;     ///< every cell's run is there and over, and no queue adds more
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
  bool is_done(const Seen& cell) const;  // or pruned, of a search
  void tell(size_t cell, const RunRecord& run);

  const Store& store_;
  SweepManifest sweep_;
  ScheduleObserver& observer_;
  std::vector<Seen> seen_;
  bool is_first_ = true;
};

struct WatchPatience {
  double idle_s = 10;                     ///< how long nobody need be at work
  std::function<void()> follow = {};      ///< called before every look
  std::function<bool()> is_awaited = {};  ///< whether somebody will go on though nobody is at work: jobs that wait
};

/// Looks twice a second until all is done, or nobody is at work and the sweep waits, or nobody has been at work for too long
/// and nobody is awaited. Returns the exit code: 0 all done, 4 where a cell is not, or there may be more.
int watch_sweep(SweepWatch& watch, ScheduleObserver& observer, const WatchPatience& patience);

}  // namespace subband
