#include "core/slot.h"
#include "core/testing/catch.h"
#include "sweeps/launcher.h"

using namespace subband;

TEST_CASE("the local launcher is made by name and runs as many workers as it is told", "[launcher]") {
  Registry registry;
  register_sweeps_parts(registry);
  config::Node spec = config::Node::map();
  spec.set("type", config::Node("local")), spec.set("jobs", config::Node(int64_t{3}));
  const auto launcher = make_part<Launcher>(registry, spec);
  CHECK(launcher->jobs() == 3);
  ScheduleObserver none;
  CHECK(launcher
            ->launch(
                2, [](size_t, WorkerLink&) { return CellOutcome{}; }, "", none)
            .outcomes[1]
            .status == Status::done);
}
