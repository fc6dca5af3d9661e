#include "sweeps/planning/packing.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <numeric>
#include <vector>

namespace subband {

namespace {

std::vector<const PlannedCell*> cells_to_run(const SweepPlan& plan) {
  std::vector<const PlannedCell*> cells;
  for (const PlannedCell& cell : plan.cells)
    if (cell.state != Status::reused && cell.same_as.empty()) cells.push_back(&cell);
  return cells;
}

// Workers in time.
class Timetable {
 public:
  explicit Timetable(const WorkerRoom& room)
      : jobs_(static_cast<size_t>(std::max<int64_t>(room.jobs, 1))),
        has_devices_(room.devices.has_value()),
        table_(room.devices.value_or(std::vector<SlotDevice>{}), room.threads) {}

  void add(SlotNeeds needs, double seconds) {
    if (!has_devices_ || !table_.can_ever(needs)) needs.devices = 0;  // they are elsewhere
    std::optional<SlotPlace> place;
    while (underway_.size() == jobs_ || !(place = table_.take(needs))) end_first();
    underway_.push_back({now_ + seconds, *place});
    most_ = std::max(most_, underway_.size());
  }
  double end() {
    while (!underway_.empty()) end_first();
    return now_;
  }
  size_t most() const { return most_; }

 private:
  struct Underway {
    double end;
    SlotPlace place;
  };
  void end_first() {
    assert(!underway_.empty());  // whoever is alone has room
    const auto first = std::ranges::min_element(underway_, {}, &Underway::end);
    now_ = first->end;
    table_.give_back(first->place);
    underway_.erase(first);
  }

  size_t jobs_;
  bool has_devices_;
  SlotTable table_;
  std::vector<Underway> underway_;
  double now_ = 0;
  size_t most_ = 0;
};

double sum_of_largest(std::vector<double> values, int64_t count) {
  std::ranges::sort(values, std::greater());
  if (values.size() > static_cast<size_t>(count)) values.resize(static_cast<size_t>(count));
  return std::accumulate(values.begin(), values.end(), 0.0);
}

// Peaks of cells by their threads.
using PeaksByThreads = std::map<int64_t, std::vector<double>>;

// The largest sum of peaks of which both counts and threads suffice: a knapsack of two weights.
double largest_together(const PeaksByThreads& peaks, int64_t jobs, int64_t threads) {
  const auto columns = static_cast<size_t>(threads) + 1, rows = static_cast<size_t>(std::min(jobs, threads)) + 1;
  std::vector<double> best(rows * columns, 0);  // of so many cells and so many threads at most
  for (const auto& [wanted, all] : peaks) {
    if (wanted > threads) continue;
    std::vector<double> largest = all;
    std::ranges::sort(largest, std::greater());
    largest.resize(std::min(largest.size(), static_cast<size_t>(threads / wanted)));
    const auto taken = static_cast<size_t>(wanted);
    for (const double peak : largest)
      for (size_t row = rows - 1; row > 0; --row)
        for (size_t column = columns - 1; column >= taken; --column)
          best[row * columns + column] =
              std::max(best[row * columns + column], best[(row - 1) * columns + column - taken] + peak);
  }
  return best.back();
}

// What SlotTable allows at once: cells of one thread each, as many as there are workers; others as their threads suffice; one
// of any size alone.
double most_memory(const std::vector<const PlannedCell*>& cells, const WorkerRoom& room) {
  PeaksByThreads peaks;
  std::vector<double> all;
  for (const PlannedCell* cell : cells) {
    if (!cell->peak_mib || cell->devices > 0) continue;
    peaks[std::max<int64_t>(cell->threads, 1)].push_back(*cell->peak_mib);
    all.push_back(*cell->peak_mib);
  }
  if (all.empty()) return 0;
  const int64_t jobs = std::min<int64_t>(std::max<int64_t>(room.jobs, 1), static_cast<int64_t>(all.size()));
  const int64_t widest = peaks.rbegin()->first;
  if (widest == 1 || jobs <= room.threads / widest) return sum_of_largest(all, jobs);
  const double alone = std::ranges::max(all), ones = peaks.contains(1) ? sum_of_largest(peaks.at(1), jobs) : 0;
  return std::max({alone, ones, largest_together(peaks, jobs, room.threads)});
}

}  // namespace

SlotNeeds slot_needs(const PlannedCell& cell) {
  return {.threads = cell.threads,
          .devices = cell.devices,
          .device_mib = cell.devices > 0 ? cell.peak_mib : std::nullopt};
}

PlanPacking packing_of(const SweepPlan& plan, const WorkerRoom& room) {
  const std::vector<const PlannedCell*> cells = cells_to_run(plan);
  Timetable times(room);
  bool is_known = true;
  for (const PlannedCell* cell : cells) {
    is_known = is_known && cell->seconds;
    times.add(slot_needs(*cell), cell->seconds.value_or(1));
  }
  const double end = times.end();
  const auto most = static_cast<int64_t>(times.most());
  const bool is_full = most >= std::min(room.jobs, static_cast<int64_t>(cells.size()));
  return {.seconds = is_known ? std::optional(end) : std::nullopt,
          .workers = is_full ? room.jobs : most,
          .peak_mib = most_memory(cells, room)};
}

}  // namespace subband
