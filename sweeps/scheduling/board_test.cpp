#include "sweeps/scheduling/board.h"

#include <thread>

#include "core/languages/terminal.h"
#include "core/testing/catch.h"
#include "core/testing/nasty_names.h"

using namespace subband;

TEST_CASE("a board has a line for every running cell and one for all", "[board]") {
  Board board({{"base, seed 1", {}}, {"no bypass, seed 1", {}}, {"no crawl, seed 1", {}}}, 2, 0, true);
  board.started(0), board.started(1);
  CHECK(board.lines(100).size() == 3);
  CHECK(board.lines(100)[1].ends_with("starting"));
  board.progressed(0, {.step = 10, .steps = 40, .tokens = 100, .tokens_per_s = 12345, .loss = 2.5});
  CHECK(board.lines(100)[0] == "base, seed 1                            10/40  loss 2.500  12,345 tokens/s");
  CHECK(board.lines(12)[0] == "base, seed …");
  CHECK(board.lines(70)[0] == "base, seed 1                            10/40  loss 2.500");  // no half of a rate
  board.ended(0, {Status::nan, "loss is NaN at step 12"});
  CHECK(board.lines(100).size() == 2);
  CHECK(board.lines(100)[1].starts_with("1 of 3 cells, 1 failed"));
}

TEST_CASE("no line of a board is wider than its terminal, whatever the letters of its cells", "[board]") {
  std::vector<BoardCell> cells;
  for (const std::string& name : testing::nasty_names()) cells.push_back({name + ", seed 1", {}});
  Board board(cells, 2, 0, true);
  for (size_t cell = 0; cell < cells.size(); ++cell) {
    board.started(cell);
    board.progressed(cell, {.step = 10, .steps = 40, .tokens = 100, .tokens_per_s = 12345, .loss = 1e171});
  }
  for (const size_t width : {20, 40, 79}) {
    for (const std::string& line : board.lines(width)) {
      CHECK(display_width(line) <= width);
      CHECK(shown(line) == line);
    }
  }
  Board grid({{"optimizer.lr=0.1, net.block.levels=5, seed 1", {}},
              {"optimizer.lr=0.1, net.block.levels=6, seed 1", {}}},
             2, 0, true);
  grid.started(0), grid.started(1);
  CHECK(grid.lines(100)[0] != grid.lines(100)[1]);
}

TEST_CASE("what is left counts cells that have not begun, by prediction or by those that are done",
          "[board]") {
  Board predicted({{"a", 30.0}, {"b", 10.0}}, 2, 0, true);
  CHECK(predicted.seconds_left() == 20.0);
  Board unknown({{"a", {}}, {"b", {}}}, 1, 0, true);
  CHECK(!unknown.seconds_left());
  unknown.started(0);
  unknown.progressed(0, {.step = 1, .steps = 3});
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  unknown.progressed(0, {.step = 2, .steps = 3});
  REQUIRE(unknown.seconds_left());
  CHECK(*unknown.seconds_left() > 0.25);  // 0.1 for the step that is left, 0.2 for the other cell
  CHECK(*unknown.seconds_left() < 2.0);
}
