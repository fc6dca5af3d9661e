#include "sweeps/make_queue.h"

#include <set>
#include <string>
#include <utility>

namespace subband {

std::unique_ptr<CellQueue> make_queue(const SweepPlan& plan) {
  auto queue = std::make_unique<FixedQueue>(plan.cells.size());
  std::set<std::pair<std::string, int64_t>> taken;
  for (size_t i = 0; i < plan.cells.size(); ++i)
    if (!taken.insert({plan.cells[i].id, plan.cells[i].cell.seed}).second) queue->ended(i, {});
  return queue;
}

}  // namespace subband
