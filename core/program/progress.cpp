#include "core/program/progress.h"

#include <fmt/format.h>
#include <unistd.h>
#include <iostream>

#include <cstdio>

#include "core/languages/terminal.h"
#include "core/text.h"

namespace subband {

using Clock = std::chrono::steady_clock;

bool on_terminal() { return ::isatty(STDERR_FILENO) == 1; }

Progress::Progress(std::string label, std::string unit, int64_t total, bool quiet)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      quiet_(quiet),
      terminal_(on_terminal()),
      start_(Clock::now()),
      drawn_at_(start_) {}

Progress::~Progress() {
  if (!drawn_) return;  // what ended within the first interval needs no line
  draw(true);
  if (terminal_) std::fputc('\n', stderr);
}

void Progress::update(int64_t done, const std::string& note) {
  done_ = done;
  if (quiet_) return;
  const auto interval = terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10000);
  const auto now = Clock::now();
  note_ = note;
  if (now - drawn_at_ < interval) return;
  drawn_at_ = now;
  draw(false);
}

void Progress::line(const std::string& text) {
  if (quiet_) return;
  if (terminal_) std::fputs("\r\033[K", stderr);
  std::cerr << fmt::format("{}\n", shown_lines(text));
  if (terminal_ && drawn_) draw(false);
}

void Progress::draw(bool last) {
  drawn_ = true;
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
  std::string text = shown(label_) + "  ";
  if (total_ > 0) {
    const double part = static_cast<double>(done_) / static_cast<double>(total_);
    if (terminal_) {
      const auto filled = static_cast<size_t>(part * 20);
      for (size_t i = 0; i < 20; ++i) text += i < filled ? "━" : "─";
    }
    text += fmt::format(" {:3.0f} %", part * 100);
  }
  text += fmt::format("  {:.{}f} {}/s", rate, rate < 10 ? 2 : 0, unit_);
  if (last)
    text += "  took " + duration_text(seconds);
  else if (total_ > 0 && rate > 0)
    text += "  " + duration_text(static_cast<double>(total_ - done_) / rate) + " left";
  if (!note_.empty()) text += "  " + shown(note_);
  if (const auto columns = terminal_columns(STDERR_FILENO))  // a line that wraps would not be drawn over
    std::cerr << fmt::format("\r\033[K{}", fitted(text, *columns - 1));
  else
    std::cerr << fmt::format("{}\n", text);
  std::fflush(stderr);
}

}  // namespace subband
