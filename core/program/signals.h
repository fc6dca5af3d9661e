// Signals that ask this process for something. A signal is sent to a process, so what it asks is kept once for all of it.
#pragma once
#include <signal.h>

#include <array>
#include <atomic>
#include <utility>

namespace subband {

inline constexpr int kInterruptedExit = 130;  ///< as shells know it

/// Asks to stop: Ctrl-C, a batch system's warning, a closed terminal, an exhausted limit of processor time.
inline constexpr std::array kStopSignals = {SIGINT, SIGTERM, SIGHUP, SIGXCPU, SIGUSR1};
/// Asks for a checkpoint now.
inline constexpr int kCheckpointSignal = SIGUSR2;

/// While it lives these signals are heard, and SIGPIPE is ignored: output that nobody reads ends no work. One that asks to
/// stop ends the process at once, with exit code 130, unless it stops in good order here; then SIGINT and SIGTERM end it
/// the second time, while the others, which systems repeat, go on asking.
class SignalWatch {
 public:
  /// `said`: goes to stderr at the first request to stop in good order. Must outlive this.
  explicit SignalWatch(const char* said);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  std::array<std::pair<int, struct sigaction>, kStopSignals.size() + 2> before_;
  const char* said_before_;
};

/// While it lives whoever is at work looks at stop_asked() and leaves nothing behind that is lost.
class StopsInGoodOrder {
 public:
  StopsInGoodOrder();
  ~StopsInGoodOrder();
  StopsInGoodOrder(const StopsInGoodOrder&) = delete;
  StopsInGoodOrder& operator=(const StopsInGoodOrder&) = delete;
};

/// True from the first request to stop on, until the watch ends.
const std::atomic<bool>& stop_asked();
/// True where a checkpoint was asked for; whoever writes it sets it back.
std::atomic<bool>& checkpoint_asked();

}  // namespace subband
