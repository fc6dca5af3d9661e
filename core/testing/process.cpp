#include "core/testing/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace subband::testing {

#ifdef __SANITIZE_ADDRESS__  // everything takes several times as long
static constexpr double kUsualLimit_s = 900;
#else
static constexpr double kUsualLimit_s = 240;
#endif

static void write_to(const std::filesystem::path& file, int descriptor) {
  if (file.empty()) return;
  const int opened = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (opened < 0) ::_exit(126);
  ::dup2(opened, descriptor);
}

Process Process::of(const std::function<int()>& body) {
  std::fflush(nullptr);  // or the child would write it once more
  const pid_t parent = ::getpid();
  const pid_t id = ::fork();
  if (id < 0) throw std::runtime_error("no process for a test");
  if (id == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(125);
    int code = 125;
    try {
      code = body();
    } catch (const std::exception& failure) {
      std::fprintf(stderr, "%s\n", failure.what());
    }
    std::fflush(nullptr);
    ::_exit(code);
  }
  ::setpgid(id, id);  // whichever of the two is first
  return Process(id);
}

Process Process::of(const std::vector<std::string>& words, const ProcessSetting& setting) {
  return of([&]() -> int {
    write_to(setting.out, STDOUT_FILENO);
    write_to(setting.err, STDERR_FILENO);
    std::vector<std::string> copy = words, environment = setting.environment;
    for (std::string& pair : environment) ::putenv(pair.data());
    std::vector<char*> arguments;
    for (std::string& word : copy) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    return 127;
  });
}

Process::Process(Process&& other) noexcept
    : id_(other.id_), status_(other.status_), has_ended_(other.has_ended_), usage_(other.usage_) {
  other.id_ = 0;
}

Process::~Process() {
  if (id_ != 0 && !has_ended_) end_group();
}

void Process::signal(int number) const { ::kill(id_, number); }

std::vector<pid_t> Process::children() const {
  const std::string process = std::to_string(id_);
  std::ifstream file("/proc/" + process + "/task/" + process + "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; file >> child;) children.push_back(child);
  return children;
}

bool Process::ended_within(double limit_s) {
  const auto latest = std::chrono::steady_clock::now() + std::chrono::duration<double>(limit_s);
  while (!has_ended_ && std::chrono::steady_clock::now() < latest) {
    has_ended_ = ::wait4(id_, &status_, WNOHANG, &usage_) == id_;
    if (!has_ended_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return has_ended_;
}

void Process::end_group() {
  ::kill(-id_, SIGKILL);
  has_ended_ = ::wait4(id_, &status_, 0, &usage_) == id_;
}

int Process::wait(double limit_s) {
  if (limit_s <= 0) limit_s = kUsualLimit_s;
  if (!ended_within(limit_s)) {
    end_group();
    throw std::runtime_error("process " + std::to_string(id_) + " still ran after " +
                             std::to_string(limit_s) + " s and was killed");
  }
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : -WTERMSIG(status_);
}

}  // namespace subband::testing
