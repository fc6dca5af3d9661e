#include <cmath>

#include "core/testing/catch.h"
#include "experiments/schedule.h"
#include "experiments/testing/parts.h"

namespace subband::schedules::constant {
void add_to(ScheduleRegistry&);
}

namespace constant_test {
using namespace subband;
using config::Node;

std::shared_ptr<Schedule> constant(const testing::Fields& fields, const ScheduleContext& context) {
  Registry registry;
  schedules::constant::add_to(registry.of<Schedule>());
  return testing::make_part<Schedule>(registry, "constant", fields, context);
}

TEST_CASE("the constant schedule rises in a straight line from 0 and stays", "[constant]") {
  const auto schedule = constant({{"warmup", Node(4.0)}}, {.steps = 10, .peak = 0.8});
  for (int64_t n = 0; n < 20; ++n) CHECK(schedule->rate(n) == (n < 4 ? 0.2 * static_cast<double>(n) : 0.8));
  CHECK(constant({}, {.steps = 10, .peak = 0.8})->rate(0) == 0.8);
}

}  // namespace constant_test
