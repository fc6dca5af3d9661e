#include "sweeps/planning/packing.h"

#include <limits>

#include "core/testing/catch.h"

namespace subband::packing_test {

static PlannedCell packed_cell(double seconds, int64_t threads, double peak_mib = 100) {
  PlannedCell cell;
  cell.seconds = seconds, cell.threads = threads, cell.peak_mib = peak_mib;
  return cell;
}

static SweepPlan packed_plan(const std::vector<PlannedCell>& cells) {
  SweepPlan plan;
  plan.cells = cells;
  return plan;
}

TEST_CASE("the time of a plan counts the threads of its workers", "[packing]") {
  const SweepPlan plan = packed_plan({packed_cell(10, 2), packed_cell(20, 2), packed_cell(30, 2), packed_cell(5, 2)});
  const PlanPacking narrow = packing_of(plan, {.jobs = 4, .threads = 2});
  CHECK(narrow.seconds == 65.0);  // one after the other, whatever `jobs` says
  CHECK(narrow.workers == 1);
  CHECK(narrow.peak_mib == 100);
  const PlanPacking wide = packing_of(plan, {.jobs = 4, .threads = 4});
  CHECK(wide.seconds == 40.0);  // 10, then 30; beside it 20, then 5
  CHECK(wide.workers == 2);
  CHECK(wide.peak_mib == 200);
  CHECK(packing_of(plan, {.jobs = 3, .threads = std::numeric_limits<int64_t>::max()}).seconds == 30.0);
  CHECK(packing_of(plan, {.jobs = 1, .threads = 4}).seconds == 65.0);
}

TEST_CASE("cells of one thread are as many at once as there are workers, whatever the cores", "[packing]") {
  const SweepPlan plan = packed_plan({packed_cell(10, 1), packed_cell(10, 1), packed_cell(10, 1)});
  const PlanPacking packing = packing_of(plan, {.jobs = 3, .threads = 1});
  CHECK(packing.seconds == 10.0);
  CHECK(packing.workers == 3);
  CHECK(packing.peak_mib == 300);
  CHECK(packing_of(packed_plan({packed_cell(10, 1)}), {.jobs = 8, .threads = 2}).workers == 8);  // only work is missing
}

TEST_CASE("a wide cell waits until its threads are free, and what stands behind it waits too", "[packing]") {
  // 4 cores: 1 + 1, then the wide one alone from 20 on, then the last.
  const SweepPlan plan = packed_plan({packed_cell(10, 1), packed_cell(20, 1), packed_cell(5, 4), packed_cell(1, 1)});
  CHECK(packing_of(plan, {.jobs = 4, .threads = 4}).seconds == 26.0);
}

TEST_CASE("memory at once is that of the cells whose threads go together", "[packing]") {
  const SweepPlan plan =
      packed_plan({packed_cell(1, 4, 500), packed_cell(1, 2, 300), packed_cell(1, 2, 290), packed_cell(1, 1, 90),
                   packed_cell(1, 1, 80), packed_cell(1, 8, 550)});
  CHECK(packing_of(plan, {.jobs = 6, .threads = 4}).peak_mib == 590);  // 300 + 290; 550 only alone
  CHECK(packing_of(plan, {.jobs = 6, .threads = 6}).peak_mib == 800);  // 500 + 300
  CHECK(packing_of(plan, {.jobs = 1, .threads = 6}).peak_mib == 550);
  CHECK(packing_of(plan, {.jobs = 2, .threads = 64}).peak_mib == 1050);
  CHECK(packing_of(plan, {.jobs = 9, .threads = 64}).peak_mib == 1810);
}

TEST_CASE("the time of a plan counts GPUs, shared as far as the predicted memory goes", "[packing]") {
  std::vector<PlannedCell> cells(4, packed_cell(10, 1, 400));
  for (PlannedCell& cell : cells) cell.devices = 1;
  WorkerRoom room{.jobs = 4, .threads = 8, .devices = std::vector<SlotDevice>{{"0", 1000}}};
  CHECK(packing_of(packed_plan(cells), room).seconds == 20.0);
  CHECK(packing_of(packed_plan(cells), room).workers == 2);
  CHECK(packing_of(packed_plan(cells), room).peak_mib == 0);
  room.devices.reset();  // a cluster has as many as are wanted
  CHECK(packing_of(packed_plan(cells), room).seconds == 10.0);
  room.devices.emplace();  // here there are none: where it runs is not known
  CHECK(packing_of(packed_plan(cells), room).seconds == 10.0);
}

TEST_CASE("a plan with a cell of unknown time has none, and what is there costs nothing", "[packing]") {
  std::vector<PlannedCell> cells(3, packed_cell(10, 1));
  cells[0].state = Status::reused, cells[1].same_as = "base";
  CHECK(packing_of(packed_plan(cells), {.jobs = 1}).seconds == 10.0);
  cells[2].seconds.reset();
  CHECK_FALSE(packing_of(packed_plan(cells), {.jobs = 1}).seconds);
  CHECK(packing_of({}, {.jobs = 2}).seconds == 0.0);
}

}  // namespace subband::packing_test
