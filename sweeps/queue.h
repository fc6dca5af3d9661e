// Which cell is next: the scheduler asks a queue, tells it what it hears, and does not know why. What a queue knows it
// learns through `ended`: of cells that are in the store before the first `next`, of all others when their turn is over.
// So a sweep that was killed builds the same queue again and goes on.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "runs/record/record.h"
#include "sweeps/scheduling/worker.h"
#include "sweeps/spec/cells.h"

namespace subband {

/// One turn of a cell: its run from where it stands to its end, or to a pause.
struct CellTurn {
  size_t cell = 0;
  /// Optimiser step after which the run writes a checkpoint and pauses; a later turn goes on with the same run.
  std::optional<int64_t> until = {};
};

/// How a cell stands after a turn.
struct CellResult {
  CellOutcome
      outcome;  ///< `stopped` with `is_paused` where it reached `until`; `reused` where it was there before
  int64_t step = 0;                          ///< optimiser steps done
  Metrics metrics = {};                      ///< of the record: the final ones, or the newest of each
  std::vector<Evaluation> evaluations = {};  ///< in the order of their steps
};

/// Called in the scheduler's process alone, never from two threads; no call may block or touch a device.
class CellQueue {
 public:
  virtual ~CellQueue() = default;
  /// The next turn that may begin, at the moment when a worker is free for it. Nothing: none now; asked again after
  /// every `ended`, and the sweep is over when nothing runs and there is still none.
  virtual std::optional<CellTurn> next() = 0;
  /// A running cell came so far; at most ten times a second.
  virtual void heard(size_t /*cell*/, const CellProgress& /*progress*/) {}
  /// Before the first `next`: once for every cell of the plan whose run in the store is settled or stopped (`is_paused`),
  /// in the plan's order. Then: once for every turn that was handed out, but those that a stop of the whole sweep cut
  /// short.
  virtual void ended(size_t cell, const CellResult& result) = 0;
  /// Whether a turn that is asked for later is a better one: then no more are taken than may run at once.
  virtual bool learns() const { return false; }
  /// Whether it looks at evaluations: without them a store is read faster.
  virtual bool reads_evaluations() const { return false; }
  /// Whether there may be more to hand out when turns have ended: where nobody waits for a cluster's jobs, the one that
  /// ends last goes on with the sweep.
  virtual bool decides_later() const { return false; }
  /// Whether a turn came back neither ended nor paused, as that of a cancelled job does: the same command has more to do.
  virtual bool was_cut() const { return false; }
};

/// Adds a cell to the plan while it runs (a further seed, a drawn point) and returns its number, from the plan's cells
/// on; the same row and seed give the same number again. Its task is written before this returns. A run that is in the
/// store already is handed out like any other: its turn ends at once, as `reused`, without a worker. ConfigError where the row
/// cannot be bound.
using AddCell = std::function<size_t(const SweepRow& row, int64_t seed)>;

/// The cells of a plan, each once, in their order.
class FixedQueue final : public CellQueue {
 public:
  explicit FixedQueue(size_t cells) : has_ended_(cells, false) {}
  std::optional<CellTurn> next() override;
  void ended(size_t cell, const CellResult& result) override;

 private:
  std::vector<bool> has_ended_;
  size_t next_ = 0;
};

}  // namespace subband
