#include "core/testing/catch.h"
#include "sweeps/queue.h"

namespace subband::fixed_queue_test {

TEST_CASE("a fixed plan hands out each cell once, in order, without those that ended before", "[queue]") {
  FixedQueue queue(4);
  queue.ended(0, {});
  queue.ended(2, {});
  queue.ended(3, {.outcome = {.status = Status::stopped, .message = "", .is_paused = true}});
  CHECK(queue.next()->cell == 1);
  CHECK(queue.next()->cell == 3);
  CHECK_FALSE(queue.next());
  queue.ended(1, {});
  CHECK_FALSE(queue.next());
}

}  // namespace subband::fixed_queue_test
