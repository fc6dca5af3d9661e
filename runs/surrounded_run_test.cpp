// A run of the whole program among signals, closed files and full outputs: what a batch system or cron makes of it.
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "core/files.h"
#include "core/program/signals.h"
#include "core/testing/catch.h"
#include "core/testing/process.h"
#include "core/testing/program.h"
#include "runs/store.h"
#include "runs/testing/scratch.h"

namespace subband::surrounded_run_test {

namespace fs = std::filesystem;
using testing::Process;
using testing::Scratch;

// `subband run` of a small attention model without checkpoints on the way.
static std::vector<std::string> words(const fs::path& store, int steps) {
  return {testing::built_program(),
          "run",
          "tinyshakespeare/attention",
          "net.width=16",
          "net.mixer.heads=2",
          "net.layers=1",
          "trainer.steps=" + std::to_string(steps),
          "trainer.batch=2",
          "trainer.length=32",
          "trainer.checkpoint_every=0",
          "trainer.protocols=[]",
          "samples.tokens=0",
          "--store",
          store.string()};
}

static std::string text_of(const std::vector<std::string>& all) {
  std::string text;
  for (const std::string& word : all) text += "'" + word + "' ";
  return text;
}

static RunRecord only_run(const fs::path& store) {
  const auto folders = Store(store).folders();
  REQUIRE(folders.size() == 1);
  return read_record(folders[0] / kRecordName);
}

static int64_t events(const fs::path& store, const std::string& kind) {
  int64_t count = 0;
  for (const fs::path& folder : Store(store).folders())
    for (const RecordJson& event : read_record_file(folder / kRecordName).events)
      if (text_in(event, "event") == kind) ++count;
  return count;
}

static void wait_for_more(const fs::path& store, const std::string& kind, int64_t before) {
  for (int i = 0; i < 6000 && events(store, kind) <= before; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  REQUIRE(events(store, kind) > before);
}

TEST_CASE("a signal that asks to stop leaves a checkpoint, and the same command goes on",
          "[surrounded_run]") {
  if (testing::lacks_program()) return;
  const Scratch scratch;
  const fs::path store = scratch / "logs";
  int64_t stops = 0;
  for (const int signal : {SIGHUP, SIGXCPU, SIGUSR1, SIGTERM}) {
    CAPTURE(signal);
    const int64_t before = events(store, "step");
    Process run = Process::of(words(store, 200000));
    wait_for_more(store, "step", before);
    run.signal(signal);
    CHECK(run.wait() == kInterruptedExit);
    CHECK(only_run(store).status == Status::stopped);
    CHECK(only_run(store).resumes == stops);
    CHECK(events(store, "checkpoint") == ++stops);
  }
}

TEST_CASE("a request for a checkpoint is heard and the run goes on", "[surrounded_run]") {
  if (testing::lacks_program()) return;
  const Scratch scratch;
  const fs::path store = scratch / "logs";
  Process run = Process::of(words(store, 200000));
  wait_for_more(store, "step", 0);
  run.signal(SIGUSR2);
  wait_for_more(store, "checkpoint", 0);
  wait_for_more(store, "step", events(store, "step"));
  run.signal(SIGINT);
  CHECK(run.wait() == kInterruptedExit);
  CHECK(events(store, "checkpoint") == 2);
}

TEST_CASE("closed or full standard files and readers that leave cost no run", "[surrounded_run]") {
  if (testing::lacks_program()) return;
  const Scratch scratch;
  const auto shell = [](const std::string& script) { return Process::of({"sh", "-c", script}).wait(); };
  const std::string closed = (scratch / "closed").string(), full = (scratch / "full").string();
  CHECK(shell(text_of(words(closed, 30)) + ">&- 2>&-") == 0);
  CHECK(shell(text_of(words(full, 30)) + ">/dev/full 2>'" + (scratch / "errors").string() + "'") == 1);
  CHECK_THAT(read_file(scratch / "errors"),
             Catch::EndsWith("standard output: cannot be written: No space left on device\n"));
  const std::string left = (scratch / "left").string();
  CHECK(shell(text_of(words(left, 30)) + "2>&1 | true") == 0);
  for (const std::string& store : {closed, full, left}) {
    CAPTURE(store);
    CHECK(only_run(store).status == Status::done);
    CHECK(shell("'" + testing::built_program() + "' runs verify --store '" + store + "'") == 0);
  }
}

}  // namespace subband::surrounded_run_test
