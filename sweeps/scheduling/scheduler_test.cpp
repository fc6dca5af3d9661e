#include "sweeps/scheduling/scheduler.h"

#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "core/program/signals.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "core/testing/process.h"

using namespace subband;

// Plain cells: each counts to `kSteps` in a file of its own, resumes where the file ends, and is done when it is
// there: what a run with checkpoints does, without the training.
namespace scheduler_test {

constexpr int kSteps = 6;

static std::string content(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

static std::filesystem::path file_of(const std::filesystem::path& folder, size_t cell) {
  return folder / ("cell" + std::to_string(cell));
}

static void replace(const std::filesystem::path& file, const std::string& text) {
  const std::filesystem::path temporary = file.string() + "." + std::to_string(::getpid());
  std::ofstream(temporary) << text;
  std::filesystem::rename(temporary, file);
}

static CellOutcome count(const std::filesystem::path& folder, size_t cell, WorkerLink& link) {
  const StopsInGoodOrder all_along;
  const auto file = file_of(folder, cell);
  std::string text = content(file);
  for (auto step = static_cast<int>(text.size()); step < kSteps; ++step) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    text += static_cast<char>('a' + static_cast<int>(cell) + step);
    replace(file, text);
    link.progress({.step = step + 1, .steps = kSteps});
    if (link.stop()) return {Status::stopped, ""};
  }
  return {};
}

static std::set<std::string> results(const std::filesystem::path& folder) {
  std::set<std::string> all;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename().string().find('.') != std::string::npos) continue;
    all.insert(entry.path().filename().string() + " " + content(entry.path()));
  }
  return all;
}

using CountedCell = std::function<CellOutcome(size_t cell, WorkerLink& link)>;

// A fixed plan of so many cells.
static ScheduleResult run_cells(size_t cells, const CountedCell& run, const ScheduleOptions& options,
                                ScheduleObserver& observer) {
  FixedQueue queue(cells);
  CellBook book;
  return subband::run_cells(
      queue, book, [&](const CellTurn& turn, WorkerLink& link) { return run(turn.cell, link); }, options,
      observer);
}

struct Ears final : ScheduleObserver {
  std::vector<std::string> heard;
  void hear(const ScheduleEvent& event) override {
    using What = ScheduleEvent::What;
    const std::string cell = std::to_string(event.cell);
    if (event.what == What::started) heard.push_back("started " + cell);
    if (event.what == What::held) heard.push_back("held " + cell);
    if (event.what == What::retried) heard.push_back("retried " + cell + " " + event.why);
    if (event.what == What::ended) heard.push_back("ended " + cell + " " + word_of(event.outcome.status));
  }
};

// A scheduler in a process of its own, as a test must be able to kill it.
template <class Body>
static testing::Process apart(const Body& body) {
  return testing::Process::of([&] {
    body();
    return 0;
  });
}

static void sleep_ms(int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

}  // namespace scheduler_test
using namespace scheduler_test;

TEST_CASE("cells start in order, run so many at once, and all end", "[scheduler]") {
  const TestFolder folder;
  Ears ears;
  const CountedCell run = [&](size_t cell, WorkerLink& link) { return count(folder.path(), cell, link); };
  const ScheduleResult result = run_cells(5, run, {.jobs = 2}, ears);
  for (const CellOutcome& outcome : result.outcomes) CHECK(outcome.status == Status::done);
  CHECK(result.outcomes.size() == 5);
  CHECK(results(folder.path()).size() == 5);
  CHECK(ears.heard[0] == "started 0");
  CHECK(ears.heard[1] == "started 1");
  CHECK(ears.heard[2].starts_with("ended"));
}

TEST_CASE("what a cell throws is its outcome and costs no retry", "[scheduler]") {
  Ears ears;
  const CountedCell run = [](size_t, WorkerLink&) -> CellOutcome { throw std::runtime_error("disk full"); };
  const ScheduleResult result = run_cells(1, run, {}, ears);
  CHECK(result.outcomes[0].status == Status::failed);
  CHECK(result.outcomes[0].message == "disk full");
  CHECK(!result.outcomes[0].is_crash);
  CHECK(ears.heard == std::vector<std::string>{"started 0", "ended 0 failed"});
}

TEST_CASE("a killed worker's cell is retried once, then recorded as failed", "[scheduler]") {
  const TestFolder folder;
  Ears ears;
  const CountedCell once = [&](size_t, WorkerLink&) -> CellOutcome {
    if (!std::filesystem::exists(folder / "tried"))
      replace(folder / "tried", "x"), ::kill(::getpid(), SIGKILL);
    return {};
  };
  CHECK(run_cells(1, once, {}, ears).outcomes[0].status == Status::done);
  CHECK(ears.heard == std::vector<std::string>{"started 0", "retried 0 killed by signal 9 (Killed)",
                                               "started 0", "ended 0 done"});
  const CountedCell always = [](size_t cell, WorkerLink&) -> CellOutcome {
    if (cell == 0) ::raise(SIGKILL);
    ::_exit(3);
  };
  const ScheduleResult result = run_cells(2, always, {}, ears);
  CHECK(result.outcomes[0].message == "worker killed by signal 9 (Killed), twice");
  CHECK(result.outcomes[1].message == "worker ended with exit code 3 and without a result, twice");
  CHECK(result.outcomes[1].is_crash);
}

TEST_CASE("every kind of failure has its policy: a result costs no retry, a lost worker as many as are allowed",
          "[scheduler]") {
  const TestFolder folder;
  ScheduleObserver none;
  const std::vector<Status> results = {Status::nan, Status::diverged, Status::out_of_memory, Status::time_out,
                                       Status::failed};
  const CountedCell run = [&](size_t cell, WorkerLink&) -> CellOutcome {
    replace(file_of(folder.path(), cell), content(file_of(folder.path(), cell)) + "x");
    if (cell < results.size()) return {results[cell], "as told"};
    if (cell == results.size()) throw std::bad_alloc();
    if (cell % 2 == 0) ::raise(SIGKILL);
    ::_exit(3);
  };
  const ScheduleResult result = run_cells(8, run, {.jobs = 2, .attempts = 3}, none);
  for (size_t cell = 0; cell < 8; ++cell) {
    CAPTURE(cell);
    const bool is_lost = cell > results.size();
    CHECK(content(file_of(folder.path(), cell)) == (is_lost ? "xxx" : "x"));
    CHECK(result.outcomes[cell].is_crash == is_lost);
    CHECK(result.outcomes[cell].status == (cell < results.size() ? results[cell] : Status::failed));
  }
}

TEST_CASE("a cell that another process holds is asked for again without blocking the others", "[scheduler]") {
  const TestFolder folder;
  Ears ears;
  const CountedCell run = [&](size_t cell, WorkerLink& link) -> CellOutcome {
    if (cell == 0 && !std::filesystem::exists(file_of(folder.path(), 1))) return {Status::held, ""};
    return count(folder.path(), cell, link);
  };
  const ScheduleResult result = run_cells(2, run, {.jobs = 1, .held_pause_s = 0.01}, ears);
  CHECK(result.outcomes[0].status == Status::done);
  CHECK(ears.heard[1] == "held 0");
  CHECK(results(folder.path()).size() == 2);
}

TEST_CASE("workers notice when their scheduler is killed, and stop", "[scheduler]") {
  const TestFolder folder;
  const CountedCell endless = [&](size_t cell, WorkerLink& link) -> CellOutcome {
    const StopsInGoodOrder all_along;
    replace(folder / ("begun" + std::to_string(cell)), std::to_string(::getpid()));
    for (int i = 0; i < 5000 && !link.stop(); ++i) sleep_ms(2), link.progress({});
    replace(folder / ("stopped" + std::to_string(cell)), "x");
    return {Status::stopped, ""};
  };
  testing::Process scheduler = apart([&] {
    ScheduleObserver none;
    run_cells(2, endless, {.jobs = 2}, none);
  });
  const auto wait_for_both = [&](const char* name) {
    const auto is_there = [&](int cell) {
      return std::filesystem::exists(folder / (name + std::to_string(cell)));
    };
    for (int i = 0; i < 2000 && !(is_there(0) && is_there(1)); ++i) sleep_ms(2);
  };
  wait_for_both("begun");
  scheduler.signal(SIGKILL);
  scheduler.wait();
  wait_for_both("stopped");
  CHECK(std::filesystem::exists(folder / "stopped0"));
  CHECK(std::filesystem::exists(folder / "stopped1"));
}

TEST_CASE("asked once the workers stop by themselves, asked twice they are killed", "[scheduler]") {
  for (const bool twice : {false, true}) {
    const TestFolder folder;
    const CountedCell endless = [&](size_t, WorkerLink& link) -> CellOutcome {
      const StopsInGoodOrder all_along;
      replace(folder / "begun", "x");
      for (int i = 0; i < 5000 && (twice || !link.stop()); ++i) sleep_ms(2), link.progress({});
      replace(folder / "checkpoint", "x");
      return {Status::stopped, "at step 3"};
    };
    testing::Process scheduler = apart([&] {
      ScheduleObserver none;
      const ScheduleResult result = run_cells(3, endless, {.jobs = 1}, none);
      replace(folder / "outcome",
              std::to_string(result.is_stopped) + word_of(result.of(0).status) + result.of(2).message);
    });
    for (int i = 0; i < 2000 && !std::filesystem::exists(folder / "begun"); ++i) sleep_ms(2);
    scheduler.signal(SIGINT);
    sleep_ms(50);
    if (twice) scheduler.signal(SIGINT);
    CHECK(scheduler.wait() == 0);
    CHECK(std::filesystem::exists(folder / "checkpoint") == !twice);
    CHECK(content(folder / "outcome") == "1stoppedwas not begun");
  }
}

TEST_CASE(
    "killed at random instants, workers, scheduler or both, a sweep ends with the results of an untouched "
    "one",
    "[scheduler]") {
  constexpr size_t kCells = 8;
  const TestFolder untouched;
  ScheduleObserver none;
  run_cells(
      kCells, [&](size_t cell, WorkerLink& link) { return count(untouched.path(), cell, link); }, {.jobs = 2},
      none);
  std::mt19937 random(20);  // the instants only; what they hit is up to the machine
  for (int trial = 0; trial < 12; ++trial) {
    const TestFolder folder;
    const CountedCell run = [&](size_t cell, WorkerLink& link) { return count(folder.path(), cell, link); };
    for (int kills = 0; kills < 4; ++kills) {
      testing::Process scheduler = apart([&] {
        ScheduleObserver quiet;
        run_cells(kCells, run, {.jobs = 3}, quiet);
      });
      sleep_ms(std::uniform_int_distribution<int64_t>(0, 20)(random));
      const std::vector<pid_t> workers = scheduler.children();
      if (trial % 3 != 1)
        for (const pid_t worker : workers) ::kill(worker, SIGKILL);
      if (trial % 3 != 0) scheduler.signal(SIGKILL);
      scheduler.wait();
    }
    CHECK(run_cells(kCells, run, {.jobs = 2}, none).outcomes.size() == kCells);
    CHECK(results(folder.path()) == results(untouched.path()));
  }
}

namespace scheduler_test {

// Hands a cell out in turns of two steps, and a second cell when the first has paused twice.
struct RungQueue final : CellQueue {
  std::vector<CellTurn> turns = {{.cell = 0, .until = 2}};
  std::vector<std::string> heard_ends;
  std::optional<CellTurn> next() override {
    if (turns.empty()) return std::nullopt;
    const CellTurn turn = turns.front();
    turns.erase(turns.begin());
    return turn;
  }
  void ended(size_t cell, const CellResult& result) override {
    heard_ends.push_back(std::to_string(cell) + " " + word_of(result.outcome.status) +
                         (result.outcome.is_paused ? " paused" : "") + " " + std::to_string(result.step));
    if (heard_ends.size() == 1) turns.push_back({.cell = 0, .until = 4});
    if (heard_ends.size() == 2) turns = {{.cell = 0}, {.cell = 1}};
  }
};

struct StepBook final : CellBook {
  const std::filesystem::path& folder;
  explicit StepBook(const std::filesystem::path& where) : folder(where) {}
  CellResult result(size_t cell, const CellOutcome& outcome) override {
    return {.outcome = outcome, .step = static_cast<int64_t>(content(file_of(folder, cell)).size())};
  }
  std::optional<CellResult> settled(size_t cell) override {
    if (cell == 0) return std::nullopt;
    return CellResult{.outcome = {Status::reused, ""}, .step = kSteps};
  }
};

}  // namespace scheduler_test

TEST_CASE("a queue pauses a cell at a step, goes on with it, and is told of cells that were there",
          "[scheduler]") {
  const TestFolder folder;
  RungQueue queue;
  StepBook book(folder.path());
  Ears ears;
  const RunCell run = [&](const CellTurn& turn, WorkerLink&) -> CellOutcome {
    const auto file = file_of(folder.path(), turn.cell);
    const auto steps = static_cast<size_t>(turn.until.value_or(kSteps));
    replace(file, content(file) + std::string(steps - content(file).size(), 'x'));
    return {.status = turn.until ? Status::stopped : Status::done,
            .message = "",
            .is_paused = turn.until.has_value()};
  };
  subband::run_cells(queue, book, run, {.jobs = 2}, ears);
  CHECK(queue.heard_ends ==
        std::vector<std::string>{"0 stopped paused 2", "0 stopped paused 4", "1 reused 6", "0 done 6"});
}

TEST_CASE("workers see the devices that they were given, and share them as far as the memory goes",
          "[scheduler]") {
  const TestFolder folder;
  struct DeviceBook final : CellBook {
    SlotNeeds needs(size_t cell) override { return {.devices = cell == 4 ? 3 : 1, .device_mib = 400}; }
  } book;
  FixedQueue queue(5);
  ScheduleObserver none;
  const RunCell run = [&](const CellTurn& turn, WorkerLink&) -> CellOutcome {
    const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
    replace(file_of(folder.path(), turn.cell), visible != nullptr ? visible : "none");
    sleep_ms(60);
    return {};
  };
  const ScheduleResult result =
      subband::run_cells(queue, book, run, {.jobs = 4, .devices = {{"0", 1000}, {"1", 500}}}, none);
  std::string seen;
  for (size_t cell = 0; cell < 4; ++cell) seen += content(file_of(folder.path(), cell)) + " ";
  CHECK(seen.starts_with("0 0 1 "));  // the fourth takes what is free first
  CHECK(result.of(4).message == "needs 3 GPUs: there are 2");
}

TEST_CASE("a long message is cut and a worker's output goes to its log", "[scheduler]") {
  const TestFolder folder;
  ScheduleObserver none;
  const CountedCell run = [](size_t, WorkerLink&) -> CellOutcome {
    std::fputs("warning of a library\n", stderr);
    return {Status::nan, std::string(5000, 'x')};
  };
  const ScheduleResult result = run_cells(1, run, {.worker_log = folder / "log"}, none);
  CHECK(result.outcomes[0].message == std::string(399, 'x'));
  CHECK(content(folder / "log") == "warning of a library\n");
}

TEST_CASE(
    "a request for a checkpoint reaches the workers; a warning of a batch system stops them, repeated or not",
    "[scheduler]") {
  const TestFolder folder;
  const CountedCell endless = [&](size_t, WorkerLink& link) -> CellOutcome {
    const StopsInGoodOrder all_along;
    replace(folder / "begun", "x");
    for (int i = 0; i < 5000 && !link.stop(); ++i) {
      sleep_ms(2), link.progress({});
      if (checkpoint_asked().exchange(false)) replace(folder / "checkpoint", "x");
    }
    sleep_ms(100);  // time enough for a worker that is killed not to come here
    replace(folder / "stopped", "x");
    return {Status::stopped, ""};
  };
  testing::Process scheduler = apart([&] {
    ScheduleObserver none;
    run_cells(1, endless, {}, none);
  });
  const auto wait_until_there = [&](const char* name) {
    for (int i = 0; i < 5000 && !std::filesystem::exists(folder / name); ++i) sleep_ms(2);
    CHECK(std::filesystem::exists(folder / name));
  };
  wait_until_there("begun");
  scheduler.signal(SIGUSR2);
  wait_until_there("checkpoint");
  scheduler.signal(SIGUSR1), sleep_ms(20), scheduler.signal(SIGUSR1), scheduler.signal(SIGXCPU);
  wait_until_there("stopped");
  CHECK(scheduler.wait() == 0);
}

TEST_CASE("a worker that has nothing to lose yet is stopped at once", "[scheduler]") {
  const TestFolder folder;
  const CountedCell tokenises = [&](size_t, WorkerLink&) -> CellOutcome {
    replace(folder / "begun", "x");
    sleep_ms(60000);
    return {};
  };
  testing::Process scheduler = apart([&] {
    ScheduleObserver none;
    const ScheduleResult result = run_cells(1, tokenises, {}, none);
    replace(folder / "outcome", word_of(result.outcomes[0].status));
  });
  for (int i = 0; i < 5000 && !std::filesystem::exists(folder / "begun"); ++i) sleep_ms(2);
  scheduler.signal(SIGTERM);
  CHECK(scheduler.wait(20) == 0);
  CHECK(content(folder / "outcome") == "stopped");
}
