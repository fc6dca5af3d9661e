// Progress on stderr: one bar that redraws itself on a terminal, a plain line now and then elsewhere.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace subband {

class Progress {
 public:
  /// `unit`: what is counted (`tokens`, `MiB`). `total` may be 0 where unknown. `quiet`: print nothing.
  Progress(std::string label, std::string unit, int64_t total, bool quiet = false);
  ~Progress();  ///< ends the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` so far; `note` is appended (`loss 2.31`). Cheap: draws at most ten times a second.
  void update(int64_t done, const std::string& note = "");
  /// Prints a line above the bar.
  void line(const std::string& text);

 private:
  void draw(bool last);

  std::string label_, unit_, note_;
  int64_t total_, done_ = 0;
  bool quiet_, terminal_, drawn_ = false;
  std::chrono::steady_clock::time_point start_, drawn_at_;
};

/// Whether stderr is a terminal.
bool on_terminal();

}  // namespace subband
