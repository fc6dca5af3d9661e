#include "sweeps/scheduling/split_queue.h"

#include "core/testing/catch.h"
#include "sweeps/search/claims_queue.h"
#include "sweeps/testing/made_up_plan.h"

namespace subband::split_queue_test {

using testing::MadeUpPlan;

static CellResult ended_as(Status status, double value = 0) {
  return {.outcome = {.status = status}, .metrics = {{"valid.bpb", value}}};
}

// What hears the end of a cell.
struct EndBook final : CellQueue {
  FixedQueue fixed{2};
  std::vector<std::string>& ends;
  explicit EndBook(std::vector<std::string>& all) : ends(all) {}
  std::optional<CellTurn> next() override { return fixed.next(); }
  void ended(size_t cell, const CellResult& result) override {
    ends.push_back(std::to_string(cell) + " " + word_of(result.outcome.status));
    fixed.ended(cell, result);
  }
};

TEST_CASE("a turn that lacks memory comes again while it can be split, and its queue is told of the last try alone",
          "[split]") {
  std::vector<std::string> ends;
  int splits = 0;
  SplitQueue queue(std::make_unique<EndBook>(ends), [&](size_t cell) { return cell == 0 && ++splits <= 2; });
  CHECK(queue.next()->cell == 0);
  CHECK(queue.next()->cell == 1);
  queue.ended(1, ended_as(Status::out_of_memory));
  CHECK_FALSE(queue.next());
  for (int i = 0; i < 2; ++i) {
    queue.ended(0, ended_as(Status::out_of_memory));
    CHECK(queue.next()->cell == 0);
    CHECK_FALSE(queue.next());
  }
  queue.ended(0, ended_as(Status::out_of_memory));
  CHECK_FALSE(queue.next());
  CHECK(ends == std::vector<std::string>{"1 out_of_memory", "0 out_of_memory"});
}

TEST_CASE("a claim counts what was computed in parts, and no cell runs twice beside itself", "[split]") {
  const std::string spec =
      "base: a\nseeds: [1]\nablate: {x: x=1}\nspend: 40\nclaims: [{row: x, is: worse, by: 0.1, error: 0.05}]\n";
  const auto values_of = [&](bool is_short) {
    MadeUpPlan made_up(spec);
    const auto split = [&](size_t cell) {
      std::string& id = made_up.plan.cells[cell].id;
      const bool is_whole = id.find("split") == std::string::npos;
      if (is_whole) id += " split";
      return is_whole;
    };
    SplitQueue queue(std::make_unique<ClaimsQueue>(made_up.plan, made_up.add), split);
    std::map<std::pair<std::string, int64_t>, int> runs;
    const auto turns = testing::run_queue(
        queue, made_up,
        [&](const SweepRow& row, int64_t seed, const CellTurn& turn) {
          const std::string& id = made_up.plan.cells[turn.cell].id;
          ++runs[{id, seed}];
          const bool is_whole = id.find("split") == std::string::npos;
          if (is_short && row.label == "x" && is_whole) return ended_as(Status::out_of_memory);
          return ended_as(Status::done, (row.label == "x" ? 1.0 : 0.0) + 0.01 * static_cast<double>(seed % 3));
        },
        4);
    for (const auto& [run, count] : runs) CHECK(count == 1);
    return std::pair(turns.size(), made_up.plan.cells.size());
  };
  const auto [whole_turns, whole_cells] = values_of(false);
  const auto [turns, cells] = values_of(true);
  CHECK(cells == whole_cells);
  CHECK(turns == whole_turns + whole_cells / 2);
}

}  // namespace subband::split_queue_test
