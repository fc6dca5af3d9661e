#include "sweeps/scheduling/watch.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "core/error.h"
#include "sweeps/scheduling/rest.h"

namespace subband {

namespace fs = std::filesystem;

SweepWatch::SweepWatch(const Store& store, SweepManifest sweep, ScheduleObserver& observer)
    : store_(store), sweep_(std::move(sweep)), observer_(observer), seen_(sweep_.cells.size()) {}

void SweepWatch::follow(SweepManifest sweep) {
  seen_.resize(sweep.cells.size());
  for (size_t i = 0; i < std::min(seen_.size(), sweep_.cells.size()); ++i)
    if (sweep.cells[i].id != sweep_.cells[i].id || sweep.cells[i].seed != sweep_.cells[i].seed) seen_[i] = {};
  sweep_ = std::move(sweep);
}

void SweepWatch::look() {
  const bool is_new = std::ranges::any_of(seen_, [](const Seen& each) { return !each.folder; });
  if (is_new) {
    const RunFolders folders(store_);
    for (size_t cell = 0; cell < seen_.size(); ++cell)
      if (!seen_[cell].folder)
        seen_[cell].folder = folders.find(sweep_.cells[cell].id, sweep_.cells[cell].seed);
  }
  for (size_t cell = 0; cell < seen_.size(); ++cell) look_at(cell);
  is_first_ = false;
}

void SweepWatch::look_at(size_t cell) {
  Seen& seen = seen_[cell];
  if (!seen.folder || is_settled(seen.status)) return;
  const fs::path file = *seen.folder / kRecordName;
  try {
    const bool is_running = is_being_written(file);
    const uint64_t bytes = record_size(file).bytes;
    if (bytes == seen.bytes && is_running == seen.is_running) return;
    const RunRecord run = read_record(file);
    seen.bytes = bytes;
    if (is_running && !seen.is_running && run.status == Status::running) observer_.started(cell);
    if (is_running) tell(cell, run);
    const bool has_ended = run.status != Status::running && run.status != seen.status;
    if (has_ended && !is_first_) observer_.ended(cell, {run.status, run.message});
    seen.status = run.status;
    seen.is_running = is_running && run.status == Status::running;
  } catch (const Error&) {  // half a line just now, or damaged: the next look tells more
  }
}

void SweepWatch::tell(size_t cell, const RunRecord& run) {
  if (run.curve.empty()) return;
  const CurvePoint& first = run.curve.front();
  const CurvePoint& last = run.curve.back();
  const double seconds = last.seconds - first.seconds;
  observer_.progressed(
      cell, {.step = last.step,
             .steps = run.steps,
             .tokens = last.tokens,
             .tokens_per_s = seconds > 0 ? static_cast<double>(last.tokens - first.tokens) / seconds : 0,
             .loss = last.loss});
}

bool SweepWatch::is_over() const {
  return !has_decisions(sweep_file(store_.root(), sweep_.name, "")) &&
         std::ranges::all_of(seen_, [&](const Seen& each) { return is_settled(each.status) || is_done(each); });
}

bool SweepWatch::is_done(const Seen& cell) const {
  return cell.status == Status::done || (!sweep_.searched.empty() && cell.status == Status::stopped && !cell.is_running);
}

int64_t SweepWatch::running() const { return std::ranges::count(seen_, true, &Seen::is_running); }

bool SweepWatch::has_failed() const {
  return !std::ranges::all_of(seen_, [&](const Seen& each) { return is_done(each); });
}

std::string SweepWatch::rest() const { return rest_of(sweep_file(store_.root(), sweep_.name, "")); }

int watch_sweep(SweepWatch& watch, ScheduleObserver& observer, const WatchPatience& patience) {
  using Clock = std::chrono::steady_clock;
  auto last_work = Clock::now();
  while (true) {
    if (patience.follow) patience.follow();
    watch.look();
    observer.ticked();
    if (watch.is_over()) break;
    if (watch.running() > 0)
      last_work = Clock::now();
    else if (!watch.rest().empty())
      break;
    if (std::chrono::duration<double>(Clock::now() - last_work).count() > patience.idle_s) {
      if (!patience.is_awaited || !patience.is_awaited()) break;
      last_work = Clock::now();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  return watch.has_failed() || !watch.is_over() ? 4 : 0;
}

}  // namespace subband
