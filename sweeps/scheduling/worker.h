// The two ends of the pipe between a worker process and the scheduler that forked it.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "experiments/status.h"

namespace subband {

/// How far a cell is.
struct CellProgress {
  int64_t step = 0;    ///< optimiser steps done
  int64_t steps = 0;   ///< of so many; 0 while unknown
  int64_t tokens = 0;  ///< seen so far
  double tokens_per_s = 0;
  double loss = 0;  ///< nats per token
};

/// How a cell ended.
struct CellOutcome {
  Status status = Status::done;
  std::string message;
  bool is_crash = false;   ///< its process died without a report, so its record has no end
  bool is_paused = false;  ///< `stopped` where its turn was to end; the run goes on in a later turn
};

/// Worker's end.
class WorkerLink {
 public:
  /// `fd`: where to write; `parent`: the scheduler's process. Expects a SignalWatch.
  WorkerLink(int fd, int parent) : fd_(fd), parent_(parent) {}

  /// Tells the scheduler, at most ten times a second, and looks whether to stop.
  void progress(const CellProgress& progress);
  void end(const CellOutcome& outcome);
  /// Turns true for good when the scheduler asked to stop, or is gone: checkpoint and return.
  const std::atomic<bool>& stop() const { return stop_; }
  /// Looks whether to stop; `progress` does so by itself.
  void look();

 private:
  int fd_;
  int parent_;
  std::atomic<bool> stop_{false};
  std::chrono::steady_clock::time_point told_{};
};

/// What came through the pipe.
struct WorkerNews {
  std::vector<CellProgress> progress;
  std::vector<CellOutcome> ends;  ///< at most one
  bool is_closed = false;         ///< the worker's end is gone
};

/// Scheduler's end.
class WorkerPipe {
 public:
  explicit WorkerPipe(int fd) : fd_(fd) {}
  int fd() const { return fd_; }
  WorkerNews read();

 private:
  int fd_;
  std::string pending_;
};

}  // namespace subband
