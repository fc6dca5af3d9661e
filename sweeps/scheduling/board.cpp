#include "sweeps/scheduling/board.h"

#include <fmt/format.h>
#include <unistd.h>
#include <iostream>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "core/languages/terminal.h"
#include "core/text.h"

namespace subband {

static constexpr size_t kNameColumns = 34;

static double seconds_between(std::chrono::steady_clock::time_point from,
                              std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

size_t terminal_width() {
  const auto columns = terminal_columns(STDERR_FILENO);
  return columns ? std::min<size_t>(*columns, 100) : 0;
}

Board::Board(std::vector<BoardCell> cells, int64_t jobs, size_t width, bool quiet)
    : cells_(std::move(cells)),
      jobs_(std::max<int64_t>(jobs, 1)),
      width_(width),
      quiet_(quiet),
      is_ended_(cells_.size(), false),
      start_(Clock::now()),
      drawn_at_(start_) {
  for (BoardCell& cell : cells_) {
    cell.name = shown(cell.name);
    shown_cells_.push_back(cell.name);
  }
  for (size_t cell = 0; cell < cells_.size(); ++cell) is_ended_[cell] = cells_[cell].is_there;
  shown_cells_ = fitted_apart(shown_cells_, kNameColumns);
}

void Board::add(BoardCell cell) {
  cell.name = shown(cell.name);
  shown_cells_.push_back(cell.name);
  shown_cells_ = fitted_apart(shown_cells_, kNameColumns);
  is_ended_.push_back(cell.is_there);
  cells_.push_back(std::move(cell));
}

Board::~Board() { wipe(); }

void Board::hear(const ScheduleEvent& event) {
  using What = ScheduleEvent::What;
  switch (event.what) {
    case What::started: return begin(event.cell);
    case What::progressed: return note(event.cell, event.progress);
    case What::held:
      running_.erase(event.cell);
      if (width_ == 0) say("wait   " + cells_[event.cell].name + ": another process is at it");
      return;
    case What::retried:
      running_.erase(event.cell);
      return say("retry  " + cells_[event.cell].name + ": worker " + event.why);
    case What::ended: return finish(event.cell, event.outcome);
    case What::stopping:
      return say(++stops_ == 1 ? "stopping: workers write their checkpoints; Ctrl-C again kills them"
                               : "workers killed");
    case What::ticked: return tick();
  }
}

void Board::begin(size_t cell) {
  failed_.erase(cell);  // what lacked memory is begun anew
  is_ended_[cell] = false;
  const auto now = Clock::now();
  running_[cell] = {.progress = {}, .start = now, .first_time = now};
  if (width_ == 0) say("start  " + cells_[cell].name);
}

void Board::note(size_t cell, const CellProgress& progress) {
  Running& running = running_[cell];
  if (running.first_step < 0) running.first_step = progress.step, running.first_time = Clock::now();
  running.progress = progress;
}

void Board::finish(size_t cell, const CellOutcome& outcome) {
  const auto running = running_.find(cell);
  const double seconds = running == running_.end() ? 0 : seconds_between(running->second.start, Clock::now());
  running_.erase(cell);
  is_ended_[cell] = !outcome.is_paused;
  if (outcome.is_paused) return say(fmt::format("paused {}  {}", cells_[cell].name, duration_text(seconds)));
  if (outcome.status == Status::done) took_.push_back(seconds);
  if (outcome.status != Status::done && outcome.status != Status::reused && outcome.status != Status::stopped)
    failed_.insert(cell);
  const std::string about = outcome.message.empty() ? "" : "  " + outcome.message;
  say(fmt::format("{:<6} {}  {}{}", word_of(outcome.status), cells_[cell].name, duration_text(seconds),
                  about));
}

void Board::tick() {
  const auto now = Clock::now();
  if (width_ > 0) return draw();
  if (now - drawn_at_ < std::chrono::seconds(20) || running_.empty()) return;
  drawn_at_ = now;
  for (const auto& [cell, running] : running_) say("       " + line_of(cell, running));
  say("       " + total_line());
}

std::optional<double> Board::seconds_left_of(const Running& running) const {
  const CellProgress& progress = running.progress;
  const double seconds = seconds_between(running.first_time, Clock::now());
  const auto steps = static_cast<double>(progress.step - running.first_step);
  if (running.first_step < 0 || steps <= 0 || progress.steps == 0) return std::nullopt;
  return std::max(0.0, static_cast<double>(progress.steps - progress.step) * seconds / steps);
}

std::optional<double> Board::seconds_left() const {
  // A cell that has not begun takes what was predicted, else as long as those that are done or under way.
  std::vector<double> whole = took_;
  double left = 0;
  for (const auto& [cell, running] : running_) {
    const auto rest = seconds_left_of(running);
    if (!rest) continue;
    left += *rest;
    whole.push_back(*rest + seconds_between(running.start, Clock::now()));
  }
  const double mean =
      whole.empty() ? 0
                    : std::accumulate(whole.begin(), whole.end(), 0.0) / static_cast<double>(whole.size());
  for (size_t cell = 0; cell < cells_.size(); ++cell) {
    if (is_ended_[cell]) continue;
    const auto running = running_.find(cell);
    if (running != running_.end() && seconds_left_of(running->second)) continue;
    if (!cells_[cell].seconds && whole.empty()) return std::nullopt;
    left += whole.empty() ? *cells_[cell].seconds : cells_[cell].seconds.value_or(mean);
  }
  return left / static_cast<double>(jobs_);
}

std::string Board::line_of(size_t cell, const Running& running, size_t width) const {
  const CellProgress& progress = running.progress;
  std::string line = padded(shown_cells_[cell], kNameColumns);
  if (running.first_step < 0) return line + "  starting";
  constexpr double kLongest = 1e6;
  const std::string loss = std::abs(progress.loss) < kLongest ? fmt::format("{:.3f}", progress.loss)
                                                              : fmt::format("{:.3g}", progress.loss);
  line += fmt::format("  {:>6}/{}  loss {}", progress.step, progress.steps, loss);
  const auto seconds = seconds_left_of(running);
  const std::string left = seconds ? "  " + duration_text(*seconds) + " left" : "";
  const std::string rate = progress.tokens_per_s > 0
                               ? fmt::format("  {} tokens/s", grouped(static_cast<int64_t>(progress.tokens_per_s)))
                               : "";
  // On a narrow terminal the time that is left is worth more than the rate.
  return display_width(line + rate + left) <= width ? line + rate + left : line + left;
}

std::string Board::total_line() const {
  const auto ended = std::ranges::count(is_ended_, true);
  std::string line = fmt::format("{} of {} cells", ended, cells_.size());
  if (!failed_.empty()) line += fmt::format(", {} failed", failed_.size());
  line += "  " + duration_text(seconds_between(start_, Clock::now()));
  if (const auto left = seconds_left(); left && stops_ == 0)
    line += ", about " + duration_text(*left) + " left";
  return line;
}

std::vector<std::string> Board::lines(size_t width) const {
  std::vector<std::string> lines;
  for (const auto& [cell, running] : running_) lines.push_back(fitted(line_of(cell, running, width), width));
  lines.push_back(fitted(total_line(), width));
  return lines;
}

void Board::say(const std::string& line) {
  if (quiet_) return;
  wipe();
  std::cerr << fmt::format("{}\n", shown(line));
  if (width_ > 0) draw();
}

void Board::draw() {
  if (quiet_) return;
  const std::vector<std::string> now = lines(width_ - 1);
  std::string text;
  if (drawn_ > 0) text += fmt::format("\033[{}A", drawn_);
  text += "\033[J";
  for (const std::string& line : now) text += line + "\n";
  std::cerr << fmt::format("{}", text);
  std::fflush(stderr);
  drawn_ = now.size();
}

void Board::wipe() {
  if (drawn_ == 0) return;
  std::cerr << fmt::format("\033[{}A\033[J", drawn_);
  std::fflush(stderr);
  drawn_ = 0;
}

}  // namespace subband
