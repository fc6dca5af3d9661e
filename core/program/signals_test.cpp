#include "core/program/signals.h"

#include <unistd.h>

#include <functional>
#include <optional>

#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "core/testing/process.h"

namespace subband::signals_test {

static bool comes_true(const std::function<bool()>& happened) {
  for (int i = 0; i < 3000 && !happened(); ++i) ::usleep(1000);
  return happened();
}

// The exit code of a process that gets `signals` one after another, each once it has heard the one before. It leaves with
// 7 when it heard all of them and was asked to stop, with 8 when for a checkpoint alone.
static int exit_code_after(const std::vector<int>& signals, bool in_good_order) {
  int heard[2];
  REQUIRE(::pipe(heard) == 0);
  testing::Process child = testing::Process::of([&] {
    const SignalWatch watch("stopping\n");
    std::optional<StopsInGoodOrder> order;
    if (in_good_order) order.emplace();
    for (size_t i = 0; i < signals.size(); ++i) {
      (void)!::write(heard[1], "x", 1);
      // A second request to stop changes no flag; it has been heard when it ends the process, or nothing happens.
      const bool changes = signals[i] == SIGUSR2 || !stop_asked();
      if (changes &&
          !comes_true([&] { return (signals[i] == SIGUSR2 ? checkpoint_asked() : stop_asked()).load(); }))
        return 1;
      if (!changes) ::usleep(100000);
    }
    return stop_asked() ? 7 : 8;
  });
  ::close(heard[1]);
  char byte = 0;
  for (const int signal : signals) {
    (void)!::read(heard[0], &byte, 1);
    child.signal(signal);
  }
  ::close(heard[0]);
  return child.wait();
}

TEST_CASE("every signal of a batch system or a terminal asks to stop, and is heard in good order",
          "[signals]") {
  for (const int signal : kStopSignals) {
    CAPTURE(signal);
    CHECK(exit_code_after({signal}, true) == 7);
    CHECK(exit_code_after({signal}, false) == kInterruptedExit);
  }
}

TEST_CASE("Ctrl-C or TERM a second time stops at once; what systems repeat does not", "[signals]") {
  CHECK(exit_code_after({SIGINT, SIGINT}, true) == kInterruptedExit);
  CHECK(exit_code_after({SIGUSR1, SIGTERM}, true) == kInterruptedExit);
  CHECK(exit_code_after({SIGXCPU, SIGXCPU}, true) == 7);
  CHECK(exit_code_after({SIGTERM, SIGHUP}, true) == 7);
}

TEST_CASE("a request for a checkpoint stops nothing, wherever it comes", "[signals]") {
  CHECK(exit_code_after({SIGUSR2}, true) == 8);
  CHECK(exit_code_after({SIGUSR2}, false) == 8);
}

TEST_CASE("output that nobody reads ends no work, and the signals are as before when the watch has ended",
          "[signals]") {
  testing::Process child = testing::Process::of([] {
    int ends[2];
    if (::pipe(ends) != 0) return 1;
    ::close(ends[0]);
    {
      const SignalWatch watch("");
      if (::write(ends[1], "x", 1) != -1) return 2;
    }
    ::raise(SIGPIPE);
    return 3;
  });
  CHECK(child.wait() == -SIGPIPE);
}

TEST_CASE("the first request says what happens now, the next ones nothing", "[signals]") {
  const TestFolder folder;
  testing::Process child = testing::Process::of([&] {
    if (std::freopen((folder / "said").c_str(), "w", stderr) == nullptr) return 1;
    const SignalWatch watch("stopping\n");
    const StopsInGoodOrder order;
    ::raise(SIGHUP), ::raise(SIGUSR1);
    return 0;
  });
  CHECK(child.wait() == 0);
  CHECK(read_file(folder / "said") == "stopping\n");
}

}  // namespace subband::signals_test
