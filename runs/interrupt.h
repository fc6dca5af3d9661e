// Ctrl-C: once means stop in good order, twice means stop.
#pragma once
#include <atomic>
#include <csignal>
#include <functional>
#include <string>
#include <thread>

namespace subband {

/// While it lives SIGINT and SIGTERM are taken by a thread of its own. Make it before any other thread, so that all
/// inherit the blocked signals.
class InterruptWatch {
 public:
  /// `said`: called once, from the watching thread, when the first signal comes. The second one ends the process
  /// with exit code 130.
  explicit InterruptWatch(std::function<void()> said);
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  /// True from the first signal on.
  const std::atomic<bool>& stop() const { return stop_; }

 private:
  void watch(const std::stop_token& ended);

  std::function<void()> said_;
  std::atomic<bool> stop_ = false;
  sigset_t before_{};
  std::jthread thread_;
};

inline constexpr int kInterruptedExit = 130;  ///< as shells know it

}  // namespace subband
