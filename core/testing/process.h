// Processes that tests start. None is waited for without a limit.
#pragma once
#include <sys/resource.h>
#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace subband::testing {

struct ProcessSetting {
  std::filesystem::path out = "/dev/null", err;  ///< files for its output; without one it is the test's
  std::vector<std::string> environment;          ///< NAME=VALUE, besides the test's own
};

/// A process in a group of its own. It is killed with its group where it outlives the limit of a wait, this object or the
/// test program.
class Process {
 public:
  /// Runs `body` in a fork of this process; what it returns is the exit code.
  static Process of(const std::function<int()>& body);
  /// Runs the program words[0], looked for in PATH where the name has no slash.
  static Process of(const std::vector<std::string>& words, const ProcessSetting& setting = {});

  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;
  ~Process();

  pid_t id() const { return id_; }
  void signal(int number) const;
  std::vector<pid_t> children() const;

  /// The exit code, or the negative number of the signal that ended it. A limit of 0 s is a generous one for whatever a
  /// test starts. Fails the test when the process is still running then.
  int wait(double limit_s = 0);
  /// Seconds and memory it used, once it was waited for.
  const rusage& usage() const { return usage_; }

 private:
  explicit Process(pid_t id) : id_(id) {}
  bool ended_within(double limit_s);
  void end_group();

  pid_t id_ = 0;  // 0: moved from
  int status_ = 0;
  bool has_ended_ = false;
  rusage usage_{};
};

/// A process whose children a test kills must not check itself for leaks: the checker's helper is a child too, and without
/// it the process waits for ever.
inline ProcessSetting without_leak_check() { return {.environment = {"ASAN_OPTIONS=detect_leaks=0"}}; }

}  // namespace subband::testing
