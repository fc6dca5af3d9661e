#include "sweeps/queue.h"

namespace subband {

std::optional<CellTurn> FixedQueue::next() {
  while (next_ < has_ended_.size() && has_ended_[next_]) ++next_;
  if (next_ == has_ended_.size()) return std::nullopt;
  return CellTurn{.cell = next_++};
}

void FixedQueue::ended(size_t cell, const CellResult& result) {
  const Status status = result.outcome.status;
  if (cell < has_ended_.size() && (is_settled(status) || status == Status::reused)) has_ended_[cell] = true;
}

}  // namespace subband
