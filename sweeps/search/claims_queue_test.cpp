#include "sweeps/search/claims_queue.h"

#include <cmath>
#include <limits>

#include "core/testing/catch.h"
#include "sweeps/testing/made_up_plan.h"

namespace subband::claims_queue_test {

using testing::done_with;
using testing::MadeUpPlan;
using testing::run_queue;

static std::string spec(const std::string& more) {
  return "base: a\nseeds: [10, 11]\nspend: 40\nablate: {x: b=1, y: b=2}\n" + more;
}

// x is better by 1, y by nothing; what a seed does to both is large.
static double value(const SweepRow& row, int64_t seed) {
  const double luck = 5 * std::sin(static_cast<double>(seed));
  const double noise = 0.1 * std::cos(static_cast<double>(seed) * (row.label == "x" ? 3 : row.label == "y" ? 7 : 11));
  return luck + noise - (row.label == "x" ? 1 : 0);
}

static size_t count(const MadeUpPlan& made_up, const std::string& label) {
  size_t cells = 0;
  for (const PlannedCell& each : made_up.plan.cells) cells += made_up.plan.grid.rows[each.cell.row].label == label;
  return cells;
}

TEST_CASE("seeds are spent while a claim is open, on its row and the baseline alone", "[claims_queue]") {
  MadeUpPlan made_up(spec("claims: [{row: x, is: better, by: 0.5, error: 0.05}, {row: y, is: better, by: 0.5}]\n"));
  ClaimsQueue queue(made_up.plan, made_up.add);
  const auto turns = run_queue(queue, made_up, done_with(value));
  CHECK(count(made_up, "x") == 7);  // as soon as evidence of like signs may decide
  CHECK(count(made_up, "base") == 7);
  CHECK(count(made_up, "y") == 2);
  CHECK(turns.size() == made_up.plan.cells.size());
  CHECK(made_up.plan.cells.back().cell.seed == 16);
}

TEST_CASE("workers that run side by side spend no seed that one alone would not", "[claims_queue]") {
  for (const size_t jobs : {1, 2, 7}) {
    MadeUpPlan made_up(spec("claims: [{row: x, is: better, by: 0.5, error: 0.05}, {row: y, is: equal, by: 0.2, "
                            "error: 0.05}]\n"));
    ClaimsQueue queue(made_up.plan, made_up.add);
    run_queue(queue, made_up, done_with(value), jobs);
    INFO(jobs);
    CHECK(count(made_up, "x") == 8);
    CHECK(count(made_up, "y") == 11);
    CHECK(count(made_up, "base") == 11);
  }
}

TEST_CASE("a queue that is built again goes on with the seed that was next", "[claims_queue]") {
  const std::string text = spec("claims: [{row: x, is: better, by: 0.5, error: 0.05}]\n");
  MadeUpPlan whole(text);
  ClaimsQueue queue(whole.plan, whole.add);
  const auto all = run_queue(queue, whole, done_with(value));
  for (size_t stop = 0; stop < all.size(); ++stop) {
    MadeUpPlan first(text), second(text);
    ClaimsQueue killed(first.plan, first.add), again(second.plan, second.add);
    run_queue(killed, first, done_with(value), 1, stop);
    for (size_t i = 0; i < second.plan.cells.size() && i < stop; ++i) {
      const Cell& cell = second.plan.cells[i].cell;
      again.ended(i, done_with(value)(second.plan.grid.rows[cell.row], cell.seed, {}));
    }
    run_queue(again, second, done_with(value));
    CHECK(second.plan.cells.size() == whole.plan.cells.size());
  }
}

TEST_CASE("a claim at the very bound spends what it may, and one whose runs fail stops", "[claims_queue]") {
  const std::string text = spec("claims: [{row: x, is: better, by: 1, error: 0.05}]\n");
  MadeUpPlan bound(text);
  ClaimsQueue queue(bound.plan, bound.add);
  run_queue(queue, bound, done_with(value));
  CHECK(count(bound, "x") == 40);
  MadeUpPlan failing(text);
  ClaimsQueue other(failing.plan, failing.add);
  run_queue(other, failing, [](const SweepRow&, int64_t, const CellTurn&) {
    return CellResult{.outcome = {.status = Status::nan}};
  }, 2);
  CHECK(count(failing, "x") == 3);
}

TEST_CASE("a claim whose row lacks memory, or time, spends no more on it than on any other failure", "[claims_queue]") {
  for (const Status status : {Status::out_of_memory, Status::time_out}) {
    MadeUpPlan made_up("base: a\nseeds: [1]\nablate: {x: x=1}\nspend: 40\nclaims: [{row: x, is: worse, by: 1, error: 0.05}]\n");
    ClaimsQueue queue(made_up.plan, made_up.add);
    const auto turns = testing::run_queue(
        queue, made_up,
        [&](const SweepRow& row, int64_t, const CellTurn&) {
          return CellResult{.outcome = {.status = row.label == "x" ? status : Status::done}, .metrics = {{"valid.bpb", 1}}};
        },
        1, 500);
    CHECK(turns.size() < 60);
    CHECK(turns.size() == made_up.plan.cells.size());
  }
}

}  // namespace subband::claims_queue_test
