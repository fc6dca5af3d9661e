#include <cmath>

#include "core/testing/catch.h"
#include "experiments/schedule.h"
#include "experiments/testing/parts.h"

namespace subband::schedules::linear {
void add_to(ScheduleRegistry&);
}

namespace linear_test {
using namespace subband;
using config::Node;

std::shared_ptr<Schedule> linear(const testing::Fields& fields, const ScheduleContext& context) {
  Registry registry;
  schedules::linear::add_to(registry.of<Schedule>());
  return testing::make_part<Schedule>(registry, "linear", fields, context);
}

TEST_CASE("the linear schedule joins 0, the peak and the floor by straight lines", "[linear]") {
  const auto schedule = linear({{"warmup", Node(0.2)}, {"min_lr", Node(0.1)}}, {.steps = 10, .peak = 0.9});
  const double expected[] = {0.0, 0.45, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.1};
  for (int64_t n = 0; n < 12; ++n) CHECK(schedule->rate(n) == Approx(expected[n]));
}

TEST_CASE("the linear schedule refuses a floor above the peak", "[linear]") {
  CHECK_THROWS_WITH(linear({{"min_lr", Node(0.5)}}, {.steps = 10, .peak = 0.25}),
                    "part.min_lr = 0.5: must be at most optimizer.lr = 0.250000");
}

}  // namespace linear_test
