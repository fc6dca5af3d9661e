// What a person sees of a running sweep: on a terminal a board with one line per running cell, elsewhere plain lines.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sweeps/scheduling/scheduler.h"

namespace subband {

/// A cell on the board.
struct BoardCell {
  std::string name;               ///< `no bypass, seed 1337`
  std::optional<double> seconds;  ///< predicted
  bool is_there = false;          ///< its run was done before
};

class Board final : public ScheduleObserver {
 public:
  /// `width`: of a terminal's lines; 0: no terminal, plain lines. `quiet`: nothing at all.
  Board(std::vector<BoardCell> cells, int64_t jobs, size_t width, bool quiet);
  ~Board() override;
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  /// A further cell, with the next number.
  void add(BoardCell cell);

  void hear(const ScheduleEvent& event) override;

  /// The board's lines at this moment, none wider than `width` columns.
  std::vector<std::string> lines(size_t width) const;
  /// Seconds until all cells are done; nothing while nobody can tell.
  std::optional<double> seconds_left() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Running {
    CellProgress progress;
    int64_t first_step = -1;  // of this session
    Clock::time_point start, first_time;
  };

  void begin(size_t cell);
  void note(size_t cell, const CellProgress& progress);
  void finish(size_t cell, const CellOutcome& outcome);
  void tick();
  std::optional<double> seconds_left_of(const Running& running) const;
  std::string line_of(size_t cell, const Running& running, size_t width = std::string::npos) const;
  std::string total_line() const;
  void say(const std::string& line);
  void draw();
  void wipe();

  std::vector<BoardCell> cells_;
  std::vector<std::string> shown_cells_;  // their names, cut so that they still differ
  int64_t jobs_;
  size_t width_;
  bool quiet_;
  std::map<size_t, Running> running_;
  std::vector<bool> is_ended_;
  std::vector<double> took_;  // seconds of the cells that ran to their end here
  std::set<size_t> failed_;
  int64_t stops_ = 0;
  size_t drawn_ = 0;  // lines of the board on the terminal
  Clock::time_point start_, drawn_at_;
};

/// Width of the terminal at stderr, at most 100; 0 where there is none.
size_t terminal_width();

}  // namespace subband
