#include "core/testing/process.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"

namespace subband::process_test {

using testing::Process;

TEST_CASE("a test's process gives its exit code, or minus the signal that ended it", "[process]") {
  CHECK(Process::of([] { return 7; }).wait() == 7);
  CHECK(Process::of([]() -> int {
          ::raise(SIGKILL), ::pause();
          return 0;
        }).wait() == -SIGKILL);
  CHECK(Process::of({"sh", "-c", "exit 3"}).wait() == 3);
  CHECK(Process::of({"no_such_program"}).wait() == 127);
}

TEST_CASE("a test's process writes to the files it is given and reads its own environment", "[process]") {
  const TestFolder folder;
  const std::vector<std::string> words = {"sh", "-c", "echo $COLOUR; echo fault >&2"};
  CHECK(Process::of(words, {.out = folder / "out", .err = folder / "err", .environment = {"COLOUR=blue"}})
            .wait() == 0);
  CHECK(read_file(folder / "out") == "blue\n");
  CHECK(read_file(folder / "err") == "fault\n");
}

TEST_CASE("a process that outlives its limit is killed with its children and fails the test", "[process]") {
  const TestFolder folder;
  Process process = Process::of({"sh", "-c", "sleep 60 & echo $!; wait"}, {.out = folder / "child"});
  while (process.children().empty()) ::usleep(1000);
  const pid_t child = process.children().front();
  CHECK_THROWS_WITH(process.wait(0.05), Catch::EndsWith(" still ran after 0.050000 s and was killed"));
  const std::string words = "/proc/" + std::to_string(child) + "/cmdline";  // empty once it has ended
  const auto runs = [&] { return std::filesystem::exists(words) && !read_file(words).empty(); };
  for (int i = 0; i < 2000 && runs(); ++i) ::usleep(1000);
  CHECK_FALSE(runs());
}

TEST_CASE("a process ends with the object that stands for it", "[process]") {
  pid_t id = 0;
  {
    const Process process = Process::of({"sleep", "60"});
    id = process.id();
  }
  CHECK(::waitpid(id, nullptr, WNOHANG) == -1);
}

}  // namespace subband::process_test
