#include "core/slot.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "sweeps/launcher.h"

using namespace subband;

TEST_CASE("the local launcher is made by name and runs as many workers as it is told", "[launcher]") {
  Registry registry;
  register_sweeps_parts(registry);
  config::Node spec = config::Node::map();
  spec.set("type", config::Node("local")), spec.set("jobs", config::Node(int64_t{3}));
  const auto launcher = make_part<Launcher>(registry, spec);
  CHECK(launcher->room({}).jobs == 3);
  const TestFolder folder;
  const Store store(folder / "logs");
  SweepPlan plan;
  plan.cells.resize(2);
  StoreBook book(store, plan);
  FixedQueue queue(2);
  ScheduleObserver none;
  const RunCell run = [](const CellTurn&, WorkerLink&) { return CellOutcome{}; };
  const ScheduleResult result = launcher->launch({.plan = plan,
                                                  .book = book,
                                                  .queue = queue,
                                                  .run_cell = run,
                                                  .store = store.root(),
                                                  .folder = folder / "sweep",
                                                  .observer = none});
  CHECK(result.of(1).status == Status::done);
}
