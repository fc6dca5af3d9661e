#include "sweeps/search/tune_queue.h"

#include <cmath>

#include "core/testing/catch.h"
#include "sweeps/testing/made_up_plan.h"

namespace subband::tune_queue_test {

using testing::MadeUpPlan;

static constexpr const char* kSpec =
    "base: a\nmetric: {name: test.bpb}\nseeds: [1, 2]\nlist: [n=1, n=2]\nbaseline: n=1\n"
    "tune: {lr: [0.1, 0.2, 0.4], wd: [0, 1]}\n";

// The best rate of n=1 is 0.2, of n=2 0.4; weight decay harms; on test all are equal.
static CellResult turn_of(const SweepRow& row, int64_t, const CellTurn&) {
  const double best = row.overrides[0] == "n=1" ? 0.2 : 0.4;
  const double rate = std::stod(row.overrides[1].substr(3)), decay = std::stod(row.overrides[2].substr(3));
  return {.metrics = {{"valid.bpb", std::abs(rate - best) + decay}, {"test.bpb", 1.0}}};
}

TEST_CASE("every row has the same trials, and its best goes on with fresh seeds", "[tune_queue]") {
  MadeUpPlan made_up(kSpec);
  CHECK(made_up.plan.cells.size() == 12);
  CHECK(made_up.plan.cells[0].cell.seed == 3);
  CHECK(made_up.plan.grid.rows[1].label == "n=1: lr=0.1, wd=1");
  CHECK(made_up.plan.grid.rows[1].trial_of == "n=1");
  CHECK(made_up.plan.grid.rows[7].baseline == "n=1: lr=0.1, wd=1");
  CHECK(made_up.plan.spec.tune->metric == "valid.bpb");
  TuneQueue queue(made_up.plan, made_up.add);
  const auto turns = testing::run_queue(queue, made_up, turn_of, 2);
  CHECK(turns.size() == 16);
  CHECK(made_up.plan.cells.size() == 16);
  const SweepRow& first = made_up.plan.grid.rows[12];
  const SweepRow& second = made_up.plan.grid.rows[13];
  CHECK(first.label == "n=1");
  CHECK(first.overrides == std::vector<std::string>{"n=1", "lr=0.2", "wd=0"});
  CHECK(second.overrides == std::vector<std::string>{"n=2", "lr=0.4", "wd=0"});
  CHECK(second.baseline == "n=1");
  CHECK(made_up.plan.cells[13].cell.seed == 2);
  const SweepManifest manifest = manifest_of(made_up.plan, "s");
  CHECK(manifest.tuned_by == "valid.bpb");
  CHECK(manifest.baseline == "n=1");
  CHECK(manifest.cells[3].trial_of == "n=1");
  CHECK(manifest.cells[12].trial_of.empty());
}

TEST_CASE("a row none of whose trials ends well has no winner", "[tune_queue]") {
  MadeUpPlan made_up(kSpec);
  TuneQueue queue(made_up.plan, made_up.add);
  testing::run_queue(queue, made_up, [](const SweepRow& row, int64_t seed, const CellTurn& turn) {
    if (row.overrides[0] == "n=2") return CellResult{.outcome = {.status = Status::diverged}};
    return turn_of(row, seed, turn);
  });
  CHECK(made_up.plan.cells.size() == 14);
  CHECK(queue.winner(0));
  CHECK_FALSE(queue.winner(1));
}

TEST_CASE("tuning on the seeds or the data of the result is refused", "[tune_queue]") {
  const auto complaint = [](const std::string& more) {
    try {
      MadeUpPlan(std::string(kSpec) + more);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  CHECK(complaint("tune_seeds: [2]\n").ends_with(
      "tune_seeds = [2]: must be other seeds than those of the sweep, whose numbers are to be fresh"));
  CHECK(complaint("tune_by: test.bpb\n").ends_with("tune_by = test.bpb: must not be measured on test data"));
}

}  // namespace subband::tune_queue_test
