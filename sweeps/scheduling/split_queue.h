// `on_memory: split`: a turn that ends for lack of memory is no end yet. Its cell is planned anew, in halves, and handed out
// once more under the same number; the queue behind is told of the last try alone.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "sweeps/queue.h"

namespace subband {

/// Plans a cell of the plan anew with smaller parts; false where that cannot be.
using SplitCell = std::function<bool(size_t cell)>;

class SplitQueue final : public CellQueue {
 public:
  SplitQueue(std::unique_ptr<CellQueue> behind, SplitCell split)
      : behind_(std::move(behind)), split_(std::move(split)) {}
  std::optional<CellTurn> next() override;
  void heard(size_t cell, const CellProgress& progress) override { behind_->heard(cell, progress); }
  void ended(size_t cell, const CellResult& result) override;
  bool reads_evaluations() const override { return behind_->reads_evaluations(); }
  bool learns() const override { return behind_->learns(); }
  bool decides_later() const override { return true; }
  bool was_cut() const override { return behind_->was_cut(); }

 private:
  std::unique_ptr<CellQueue> behind_;
  SplitCell split_;
  std::map<size_t, CellTurn> last_;  // of each cell
  std::deque<CellTurn> again_;
  std::set<size_t> tried_again_;  // handed out in halves, and not back yet
};

}  // namespace subband
