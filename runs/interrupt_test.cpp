#include "runs/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>

#include "core/testing/catch.h"
#include "core/testing/process.h"

namespace subband::interrupt_test {

static void wait_until(const std::function<bool()>& happened) {
  for (int i = 0; i < 500 && !happened(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

// The status of a child that gets `signals` SIGINTs; it leaves with 7 when it saw a request to stop.
static int child_status(int signals) {
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  testing::Process child = testing::Process::of([&] {
    const InterruptWatch watch([] {});
    (void)!::write(ready[1], "x", 1);
    wait_until([&] { return watch.stop().load(); });
    if (!watch.stop()) return 1;
    (void)!::write(ready[1], "x", 1);
    if (signals > 1) std::this_thread::sleep_for(std::chrono::seconds(5));
    return 7;
  });
  ::close(ready[1]);  // so that a child that ended ends the wait for it
  char byte = 0;
  for (int i = 0; i < signals; ++i) {
    (void)!::read(ready[0], &byte, 1);
    child.signal(SIGINT);
  }
  ::close(ready[0]);
  return child.wait();
}

TEST_CASE("Ctrl-C once asks to stop, twice stops", "[interrupt]") {
  CHECK(child_status(1) == 7);
  CHECK(child_status(2) == kInterruptedExit);
}

TEST_CASE("the signals are as before when the watch has ended", "[interrupt]") {
  sigset_t before, after;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  {
    const InterruptWatch watch([] {});
    CHECK_FALSE(watch.stop());
  }
  ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
  CHECK(::sigismember(&after, SIGINT) == ::sigismember(&before, SIGINT));
}

}  // namespace subband::interrupt_test
