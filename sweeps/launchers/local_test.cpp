#include "core/slot.h"
#include "core/testing/catch.h"
#include "sweeps/launcher.h"

using namespace subband;

TEST_CASE("the local launcher is made by name and runs as many workers as it is told", "[launcher]") {
  Registry registry;
  register_sweeps_parts(registry);
  BindSession session{.registry = &registry};
  config::Node spec = config::Node::map(), value = config::Node::map(), resolved;
  value.set("type", config::Node("local")), value.set("jobs", config::Node(int64_t{3}));
  spec.set("launcher", value);
  Binder binder(session, spec, resolved);
  Slot<Launcher> slot("local");
  slot.bind(binder, "launcher", {}, "where workers run");
  session.finish();
  const auto launcher = slot.make({});
  CHECK(launcher->jobs() == 3);
  ScheduleObserver none;
  CHECK(launcher
            ->launch(
                2, [](size_t, WorkerLink&) { return CellOutcome{}; }, "", none)
            .outcomes[1]
            .status == "done");
}
