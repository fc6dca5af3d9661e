#include "sweeps/scheduling/scheduler.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <deque>

#include "core/error.h"
#include "core/program/signals.h"

namespace subband {

using ScheduleClock = std::chrono::steady_clock;

namespace {

[[noreturn]] void system_failure(const std::string& what) {
  throw Error("scheduler", what + ": " + std::strerror(errno));
}

sigset_t heard_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : kStopSignals) ::sigaddset(&signals, signal);
  ::sigaddset(&signals, kCheckpointSignal);
  return signals;
}

// The signals arrive as bytes of a file while this lives.
class SignalFile {
 public:
  SignalFile() {
    const sigset_t signals = heard_signals();
    ::sigprocmask(SIG_BLOCK, &signals, &before_);
    fd_ = ::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd_ < 0) system_failure("signals cannot be read");
  }
  SignalFile(const SignalFile&) = delete;
  SignalFile& operator=(const SignalFile&) = delete;
  ~SignalFile() {
    ::close(fd_);
    ::sigprocmask(SIG_SETMASK, &before_, nullptr);
  }
  int fd() const { return fd_; }
  std::vector<int> arrived() const {
    std::vector<int> numbers;
    signalfd_siginfo signal{};
    while (::read(fd_, &signal, sizeof signal) == static_cast<ssize_t>(sizeof signal))
      numbers.push_back(static_cast<int>(signal.ssi_signo));
    return numbers;
  }

 private:
  sigset_t before_{};
  int fd_ = -1;
};

struct Waiting {
  CellTurn turn;
  int64_t attempt = 1;
  ScheduleClock::time_point not_before{};
  bool is_told = false;  // that it waits for another process
};

struct Worker {
  Waiting task;
  SlotPlace place;
  pid_t process = 0;
  WorkerPipe pipe;
  std::vector<CellOutcome> end;  // what it said last, if it did
};

std::string death_text(int status) {
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    return "killed by signal " + std::to_string(number) + " (" + ::strsignal(number) + ")";
  }
  return "ended with exit code " + std::to_string(WEXITSTATUS(status)) + " and without a result";
}

void redirect_output(const std::filesystem::path& log) {
  if (const int nothing = ::open("/dev/null", O_RDONLY); nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  if (log.empty()) return;
  const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) return;
  ::dup2(fd, STDOUT_FILENO);
  ::dup2(fd, STDERR_FILENO);
}

// Whoever runs cells, and what they know of them.
struct ScheduleSides {
  CellQueue& queue;
  CellBook& book;
  const RunCell& run_cell;
  ScheduleObserver& observer;
};

class Scheduler {
 public:
  Scheduler(const ScheduleSides& sides, const ScheduleOptions& options)
      : sides_(sides), options_(options), slots_(options.devices) {
    assert(thread_count() == 1);  // a lock that another thread holds would stay locked in every worker
  }
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  ~Scheduler() {  // only after an exception are there any left
    for (const Worker& worker : workers_) {
      ::kill(worker.process, SIGTERM);
      ::waitpid(worker.process, nullptr, 0);
      ::close(worker.pipe.fd());
    }
  }

  ScheduleResult run() {
    for (start_ready(); !waiting_.empty() || !workers_.empty(); start_ready()) {
      wait_for_news();
      hear_signals();
      hear_workers();
      sides_.observer.ticked();
    }
    return std::move(result_);
  }

 private:
  void start_ready() {
    while (!result_.is_stopped &&
           workers_.size() < static_cast<size_t>(std::max<int64_t>(options_.jobs, 1))) {
      auto task = next_task();
      if (!task) return;
      if (const auto there = sides_.book.settled(task->turn.cell)) {
        tell_end(task->turn.cell, *there);
        continue;
      }
      if (sides_.book.is_held(task->turn.cell)) {
        hold(std::move(*task));
        continue;
      }
      const SlotNeeds needs = sides_.book.needs(task->turn.cell);
      if (!slots_.can_ever(needs)) {
        conclude(*task, {Status::failed, "needs " + std::to_string(needs.devices) + " GPUs: there are " +
                                             std::to_string(options_.devices.size())});
        continue;
      }
      const auto place = slots_.take(needs);
      if (!place) {  // in the order of the queue: a large cell is not passed over for ever
        waiting_.push_front(std::move(*task));
        return;
      }
      fork_worker(*task, *place);
      sides_.observer.started(task->turn.cell);
    }
  }

  std::optional<Waiting> next_task() {
    const auto now = ScheduleClock::now();
    const auto ready =
        std::ranges::find_if(waiting_, [&](const Waiting& each) { return each.not_before <= now; });
    if (ready != waiting_.end()) {
      Waiting task = std::move(*ready);
      waiting_.erase(ready);
      return task;
    }
    const auto turn = sides_.queue.next();
    if (!turn) return std::nullopt;
    outcome_of(turn->cell) = {Status::stopped, "was not begun"};
    return Waiting{.turn = *turn};
  }

  CellOutcome& outcome_of(size_t cell) {
    if (result_.outcomes.size() <= cell)
      result_.outcomes.resize(cell + 1, {Status::stopped, "was not begun"});
    return result_.outcomes[cell];
  }

  void hold(Waiting task) {
    if (!task.is_told) sides_.observer.held(task.turn.cell);
    task.is_told = true;
    const auto pause = std::chrono::duration<double>(options_.held_pause_s);
    task.not_before = ScheduleClock::now() + std::chrono::duration_cast<ScheduleClock::duration>(pause);
    waiting_.push_back(std::move(task));
  }

  void fork_worker(const Waiting& task, const SlotPlace& place) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) system_failure("no pipe");
    std::fflush(nullptr);  // or the worker would write it once more
    const pid_t parent = ::getpid();
    const pid_t process = ::fork();
    if (process < 0) system_failure("no worker process");
    if (process == 0) {
      if (!place.visible.empty()) ::setenv("CUDA_VISIBLE_DEVICES", place.visible.c_str(), 1);
      work(task.turn, ends[1], parent);
    }
    ::close(ends[1]);
    workers_.push_back({.task = task, .place = place, .process = process, .pipe = WorkerPipe(ends[0])});
  }

  // The whole life of a worker. Leaves without destructors: they belong to the scheduler.
  [[noreturn]] void work(const CellTurn& turn, int fd, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(1);
    for (const Worker& other : workers_) ::close(other.pipe.fd());
    ::close(signals_.fd());
    const SignalWatch watch("");
    ::signal(SIGINT, SIG_IGN);  // a terminal sends it to all; the scheduler decides
    const sigset_t signals = heard_signals();
    ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
    redirect_output(options_.worker_log);
    WorkerLink link(fd, parent);
    CellOutcome outcome;
    try {
      outcome = sides_.run_cell(turn, link);
    } catch (const std::exception& failure) {
      outcome = {Status::failed, failure.what()};
    }
    link.end(outcome);
    std::fflush(nullptr);
    ::_exit(0);
  }

  void wait_for_news() {
    std::vector<pollfd> files = {{.fd = signals_.fd(), .events = POLLIN, .revents = 0}};
    for (const Worker& worker : workers_)
      files.push_back({.fd = worker.pipe.fd(), .events = POLLIN, .revents = 0});
    ::poll(files.data(), files.size(), 100);
    readable_.clear();
    for (size_t i = 1; i < files.size(); ++i) readable_.push_back(files[i].revents != 0);
  }

  void hear_signals() {
    for (const int signal : signals_.arrived()) {
      if (signal == kCheckpointSignal) {
        for (const Worker& worker : workers_) ::kill(worker.process, signal);
        continue;
      }
      const bool again = result_.is_stopped;
      if (again && signal != SIGINT && signal != SIGTERM) continue;  // systems repeat the others
      result_.is_stopped = true;
      waiting_.clear();
      sides_.observer.stopping();
      for (const Worker& worker : workers_) ::kill(worker.process, again ? SIGKILL : SIGTERM);
    }
  }

  void hear_workers() {
    for (size_t i = readable_.size(); i-- > 0;) {  // backwards: workers that ended are taken out
      if (!readable_[i]) continue;
      const WorkerNews news = workers_[i].pipe.read();
      for (const CellProgress& progress : news.progress) {
        sides_.observer.progressed(workers_[i].task.turn.cell, progress);
        sides_.queue.heard(workers_[i].task.turn.cell, progress);
      }
      for (const CellOutcome& end : news.ends) workers_[i].end = {end};
      if (news.is_closed) bury(i);
    }
  }

  void bury(size_t index) {
    const Worker worker = workers_[index];
    workers_.erase(workers_.begin() + static_cast<std::ptrdiff_t>(index));
    ::close(worker.pipe.fd());
    slots_.give_back(worker.place);
    int status = 0;
    while (::waitpid(worker.process, &status, 0) < 0 && errno == EINTR) {
    }
    if (!worker.end.empty())
      conclude(worker.task, worker.end.front());
    else
      crashed(worker.task, death_text(status));
  }

  void conclude(const Waiting& task, const CellOutcome& outcome) {
    if (outcome.status == Status::held && !result_.is_stopped) return hold(task);
    const bool is_held = outcome.status == Status::held;
    const CellOutcome end = is_held ? CellOutcome{Status::stopped, "another process is at it"} : outcome;
    tell_end(task.turn.cell, sides_.book.result(task.turn.cell, end));
  }

  // The queue learns nothing of turns that a stop cut short.
  void tell_end(size_t cell, const CellResult& result) {
    outcome_of(cell) = result.outcome;
    sides_.observer.ended(cell, result.outcome);
    const bool is_cut = result.outcome.status == Status::stopped && !result.outcome.is_paused;
    if (!is_cut || !result_.is_stopped) sides_.queue.ended(cell, result);
  }

  void crashed(const Waiting& task, const std::string& how) {
    if (result_.is_stopped) return conclude(task, {Status::stopped, how});
    if (task.attempt < options_.attempts) {
      sides_.observer.retried(task.turn.cell, how);
      waiting_.push_front({.turn = task.turn, .attempt = task.attempt + 1});
      return;
    }
    const std::string times = options_.attempts == 2 ? "twice" : std::to_string(options_.attempts) + " times";
    conclude(task, {Status::failed, "worker " + how + ", " + times, true});
  }

  ScheduleSides sides_;
  const ScheduleOptions& options_;
  SlotTable slots_;
  SignalFile signals_;
  std::deque<Waiting> waiting_;  // to be tried again: retries, what is held, what has no room yet
  std::vector<Worker> workers_;
  std::vector<bool> readable_;  // of workers_, after the last wait
  ScheduleResult result_;
};

}  // namespace

size_t thread_count() {
  size_t threads = 0;
  for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/self/task")) ++threads;
  return threads;
}

CellOutcome ScheduleResult::of(size_t cell) const {
  return cell < outcomes.size() ? outcomes[cell] : CellOutcome{Status::stopped, "was not begun"};
}

ScheduleResult run_cells(CellQueue& queue, CellBook& book, const RunCell& run_cell,
                         const ScheduleOptions& options, ScheduleObserver& observer) {
  return Scheduler({queue, book, run_cell, observer}, options).run();
}

}  // namespace subband
