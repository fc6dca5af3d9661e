#include <cmath>

#include "core/testing/catch.h"
#include "experiments/schedule.h"
#include "experiments/testing/parts.h"

namespace subband::schedules::cosine {
void add_to(ScheduleRegistry&);
}

namespace cosine_test {
using namespace subband;
using config::Node;

std::shared_ptr<Schedule> cosine(const testing::Fields& fields, const ScheduleContext& context) {
  Registry registry;
  schedules::cosine::add_to(registry.of<Schedule>());
  return testing::make_part<Schedule>(registry, "cosine", fields, context);
}

TEST_CASE("the cosine schedule is WaveletLM's: ⌊fraction · steps⌋ of warm-up from 0, then half a cosine",
          "[cosine]") {
  const double peak = 0.01, floor = 2e-4, pi = std::acos(-1.0);
  const auto schedule = cosine({{"warmup", Node(0.3)}, {"min_lr", Node(floor)}}, {.steps = 19, .peak = peak});
  const int64_t warmup = 5;  // ⌊0.3 · 19⌋
  for (int64_t n = 0; n < 25; ++n) {
    const double part = std::min(1.0, static_cast<double>(n - warmup) / (19 - warmup));
    const double expected = n < warmup ? peak * static_cast<double>(n) / 5
                                       : floor + 0.5 * (1 + std::cos(pi * part)) * (peak - floor);
    CHECK(schedule->rate(n) == Approx(expected).epsilon(1e-14));
  }
  CHECK(schedule->rate(0) == 0);
  CHECK(schedule->rate(warmup) == peak);
}

TEST_CASE("the published run's rate at step 58,250 is 6.64e-3", "[cosine]") {
  const auto schedule =
      cosine({{"warmup", Node(0.3)}, {"min_lr", Node(2e-4)}}, {.steps = 292285, .peak = 0.01});
  CHECK(schedule->rate(58250) == Approx(6.64e-3).margin(5e-6));
}

TEST_CASE("a warm-up of 1 or more counts steps", "[cosine]") {
  const auto schedule = cosine({{"warmup", Node(int64_t{4})}}, {.steps = 19, .peak = 1});
  CHECK(schedule->rate(3) == 0.75);
  CHECK(schedule->rate(4) == 1);
}

TEST_CASE("a run of warm-up alone never divides by zero", "[cosine]") {
  const auto schedule = cosine({{"warmup", Node(int64_t{4})}}, {.steps = 4, .peak = 1});
  CHECK(schedule->rate(4) == 1);
}

TEST_CASE("the cosine schedule refuses a warm-up that is neither a fraction nor whole", "[cosine]") {
  CHECK_THROWS_WITH(cosine({{"warmup", Node(1.5)}}, {}),
                    "part.warmup = 1.5: must be below 1 or a whole number of steps");
}

}  // namespace cosine_test
