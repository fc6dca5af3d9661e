// Two schedulers on one folder whose file system has no locks, their processes stopped and woken at random instants: every
// cell is computed once, whoever does it. This program's own flock stands for that of such a file system, its own clock for one
// that is set anew.
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <random>
#include <thread>

#include "core/files.h"
#include "core/hash.h"
#include "core/program/signals.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "core/testing/process.h"
#include "runs/conduct.h"
#include "sweeps/scheduling/store_book.h"

namespace subband::shared_store_test {

namespace fs = std::filesystem;
using testing::Process;

static std::atomic<bool> has_locks = true;
static std::atomic<bool> has_jumping_clock = false;
static constexpr int64_t kStepsOfCell = 20;
static constexpr double kLease_s = 0.4;

// Until it ends, files cannot be locked in this process and its forks.
struct WithoutLocks {
  WithoutLocks() { has_locks = false; }
  ~WithoutLocks() { has_locks = true; }
};

// Until it ends, the clock of this process and its forks jumps an hour back and forth, some times a second.
struct WithJumpingClock {
  WithJumpingClock() { has_jumping_clock = true; }
  ~WithJumpingClock() { has_jumping_clock = false; }
};

static RunPlan plan_of(size_t cell) {
  return {.start = {.id = sha256_hex("cell " + std::to_string(cell)),
                    .recipe = "tiny",
                    .seed = 1,
                    .config = RecordJson::object(),
                    .parts = RecordJson::object(),
                    .data = RecordJson::object(),
                    .provenance = RecordJson::object()},
          .resolved = config::Node::map()};
}

// What a run with a checkpoint after every step does: each step's file follows from the one before.
static Outcome count(const fs::path& folder, const fs::path& journal, Observer& observer,
                     const std::atomic<bool>& stop) {
  const fs::path states = folder / "checkpoints";
  fs::create_directories(states);
  int64_t step = 0;
  while (fs::exists(states / std::to_string(step + 1))) ++step;
  std::string state = step > 0 ? read_file(states / std::to_string(step)) : "";
  observer.started(1, step);
  while (step < kStepsOfCell) {
    if (stop) return {.status = Status::stopped, .step = step, .message = ""};
    std::this_thread::sleep_for(std::chrono::milliseconds(6));
    ++step;
    state = sha256_hex(state + std::to_string(step));
    std::ofstream(journal, std::ios::app) << folder.filename().string() + " " + std::to_string(step) + "\n";
    observer.stepped({.step = step, .steps = kStepsOfCell, .loss = 1});
    write_file(states / std::to_string(step), state);
  }
  return {.status = Status::done, .step = step, .message = "", .metrics = {{"valid.bpb", double(state[0])}}};
}

static SweepPlan plan_of_cells(size_t cells) {
  SweepPlan plan;
  for (size_t i = 0; i < cells; ++i) {
    plan.grid.cells.push_back({.row = i, .seed = 1, .name = std::to_string(i)});
    plan.cells.push_back({.cell = plan.grid.cells.back(), .id = plan_of(i).start.id});
  }
  return plan;
}

static void run_all(const fs::path& root, size_t cells, int64_t jobs) {
  const Store store(root / "logs");
  const SweepPlan plan = plan_of_cells(cells);
  StoreBook book(store, plan);
  FixedQueue queue(cells);
  ScheduleObserver none;
  const RunCell run = [&](const CellTurn& turn, WorkerLink& link) -> CellOutcome {
    const StopsInGoodOrder all_along;
    try {
      const RunResult result =
          conduct(plan_of(turn.cell), store, {.lease = {.expiry_s = kLease_s, .sights = &book.sights()}},
                  [&](const fs::path& folder, Observer& observer) {
                    return count(folder, root / "journal", observer, link.stop());
                  });
      return {.status = result.is_reused ? Status::reused : result.outcome.status,
              .message = result.outcome.message};
    } catch (const Error& error) {
      const std::string& kind = error.first().kind;
      if (kind == "locked" || kind == "lost")
        return {.status = Status::held, .message = error.first().message};
      throw;
    }
  };
  run_cells(queue, book, run, {.jobs = jobs, .attempts = 20, .held_pause_s = 0.05}, none);
}

// Stops processes of both schedulers, and the schedulers, at random instants for up to three leases.
static void disturb(std::vector<Process>& schedulers, int stops) {
  std::mt19937 random(5);  // the instants only
  const auto draw = [&](int most) { return std::uniform_int_distribution<int>(0, most)(random); };
  std::vector<std::pair<std::chrono::steady_clock::time_point, pid_t>> asleep;
  const auto wake = [&](bool all) {
    std::erase_if(asleep, [&](const auto& each) {
      const bool is_due = all || each.first <= std::chrono::steady_clock::now();
      if (is_due) ::kill(each.second, SIGCONT);
      return is_due;
    });
  };
  for (int stop = 0; stop < stops; ++stop) {
    std::this_thread::sleep_for(std::chrono::milliseconds(draw(60)));
    wake(false);
    const Process& scheduler = schedulers[static_cast<size_t>(draw(1))];
    std::vector<pid_t> all = scheduler.children();
    if (stop % 7 == 6) all = {scheduler.id()};
    if (all.empty()) continue;
    const pid_t victim = all[static_cast<size_t>(draw(static_cast<int>(all.size()) - 1))];
    ::kill(victim, SIGSTOP);
    asleep.emplace_back(std::chrono::steady_clock::now() + std::chrono::milliseconds(draw(1200)), victim);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));
  wake(true);
}

// Every cell is done once, with the result that its steps give; how often its run was begun or went on, of all together.
static int64_t checked_sessions(const Store& store, size_t cells) {
  CHECK(store.folders().size() == cells);
  int64_t sessions = 0;
  for (size_t cell = 0; cell < cells; ++cell) {
    const auto run_folder = store.find(plan_of(cell).start.id, 1);
    REQUIRE(run_folder);
    const RunRecord run = read_record(*run_folder / kRecordName);
    CHECK(run.status == Status::done);
    REQUIRE(run.curve.size() == static_cast<size_t>(kStepsOfCell));
    for (size_t i = 0; i < run.curve.size(); ++i) CHECK(run.curve[i].step == static_cast<int64_t>(i) + 1);
    std::string state;
    for (int64_t step = 1; step <= kStepsOfCell; ++step) state = sha256_hex(state + std::to_string(step));
    CHECK(run.metrics.at("valid.bpb") == double(state[0]));
    int64_t ends = 0;
    for (const RecordJson& event : read_record_file(*run_folder / kRecordName).events) {
      if (text_in(event, "event") == "end" && text_in(event, "status") == "done") ++ends;
      if (text_in(event, "event") == "model") ++sessions;
    }
    CHECK(ends == 1);
  }
  return sessions;
}

TEST_CASE("two schedulers without locks share the cells and never double one, whoever is stopped when",
          "[shared_store]") {
  const WithoutLocks from_here;
  const TestFolder folder;
  const char* whole = std::getenv("SUBBAND_SWEEPS_WHOLE");
  const int stops = whole != nullptr ? 200 : 20;
  const size_t cells = whole != nullptr ? 60 : 12;
  std::vector<Process> schedulers;
  for (int i = 0; i < 2; ++i)
    schedulers.push_back(Process::of([&] {
      run_all(folder.path(), cells, 3);
      return 0;
    }));
  disturb(schedulers, stops);
  for (Process& each : schedulers) CHECK(each.wait(120) == 0);

  const Store store(folder / "logs");
  const int64_t sessions = checked_sessions(store, cells), counted = static_cast<int64_t>(cells) * kStepsOfCell;
  // Whoever sleeps through a takeover does at most the step that he was in; whoever goes on repeats at most one.
  const std::string journal = read_file(folder / "journal");
  const auto computed = std::ranges::count(journal, '\n');
  const auto takeovers = sessions - static_cast<int64_t>(cells);
  CHECK(computed >= counted);
  CHECK(computed <= counted + 2 * takeovers);
}

TEST_CASE("a clock that jumps back an hour takes no lease away and keeps none alive", "[shared_store]") {
  const WithoutLocks no_locks;
  const WithJumpingClock from_here;
  const TestFolder folder;
  std::vector<Process> schedulers;
  for (int i = 0; i < 2; ++i)
    schedulers.push_back(Process::of([&] {
      run_all(folder.path(), 6, 2);
      return 0;
    }));
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  for (const pid_t worker : schedulers[0].children()) ::kill(worker, SIGKILL);  // whose leases others take over
  for (Process& each : schedulers) CHECK(each.wait(60) == 0);
  checked_sessions(Store(folder / "logs"), 6);
}

}  // namespace subband::shared_store_test

extern "C" int flock(int fd, int operation) noexcept;
int flock(int fd, int operation) noexcept {
  if (subband::shared_store_test::has_locks) return static_cast<int>(::syscall(SYS_flock, fd, operation));
  errno = ENOLCK;
  return -1;
}

// Of all clocks the one of the day alone is moved: which of three hours it is changes every 70 ms.
extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept;
int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const auto code = static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  if (code != 0 || clock != CLOCK_REALTIME || !subband::shared_store_test::has_jumping_clock) return code;
  timespec since_start{};
  ::syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &since_start);
  time->tv_sec -= 3600 * ((since_start.tv_sec * 1000 + since_start.tv_nsec / 1'000'000) / 70 % 3);
  return code;
}
