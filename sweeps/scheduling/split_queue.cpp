#include "sweeps/scheduling/split_queue.h"

namespace subband {

std::optional<CellTurn> SplitQueue::next() {
  if (!again_.empty()) {
    const CellTurn turn = again_.front();
    again_.pop_front();
    return turn;
  }
  // A queue that knows cells by their identity takes one that was planned anew for another.
  auto turn = behind_->next();
  while (turn && tried_again_.contains(turn->cell)) turn = behind_->next();
  if (turn) last_[turn->cell] = *turn;
  return turn;
}

void SplitQueue::ended(size_t cell, const CellResult& result) {
  if (result.outcome.status == Status::out_of_memory && split_(cell)) {
    const auto last = last_.try_emplace(cell, CellTurn{.cell = cell}).first;
    again_.push_back(last->second);
    tried_again_.insert(cell);
    return;
  }
  tried_again_.erase(cell);
  behind_->ended(cell, result);
}

}  // namespace subband
