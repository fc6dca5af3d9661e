#include "core/program/signals.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace subband {

namespace {

// What a handler may touch.
std::atomic<bool> asked_to_stop = false, asked_for_checkpoint = false;
std::atomic<int> in_good_order = 0;
std::atomic<const char*> said = "";
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<const char*>::is_always_lock_free);

void hear(int signal) {
  const int error = errno;
  if (signal == kCheckpointSignal) {
    asked_for_checkpoint = true;
  } else {
    const bool again = asked_to_stop.exchange(true);
    const bool insists = signal == SIGINT || signal == SIGTERM;
    if (again ? insists : in_good_order == 0)
      ::_exit(kInterruptedExit);  // what is on the disk is whole always
    const char* text = said;
    if (!again && ::write(STDERR_FILENO, text, std::strlen(text)) < 0) errno = 0;
  }
  errno = error;
}

}  // namespace

SignalWatch::SignalWatch(const char* text) : said_before_(said.exchange(text)) {
  struct sigaction heard {};
  heard.sa_handler = hear;
  heard.sa_flags = SA_RESTART;
  struct sigaction ignored {};
  ignored.sa_handler = SIG_IGN;
  size_t i = 0;
  const auto set = [&](int signal, const struct sigaction& action) {
    before_[i].first = signal;
    ::sigaction(signal, &action, &before_[i++].second);
  };
  for (const int signal : kStopSignals) set(signal, heard);
  set(kCheckpointSignal, heard);
  set(SIGPIPE, ignored);
}

SignalWatch::~SignalWatch() {
  for (const auto& [signal, action] : before_) ::sigaction(signal, &action, nullptr);
  said = said_before_;
  asked_to_stop = asked_for_checkpoint = false;
}

StopsInGoodOrder::StopsInGoodOrder() { ++in_good_order; }
StopsInGoodOrder::~StopsInGoodOrder() { --in_good_order; }

const std::atomic<bool>& stop_asked() { return asked_to_stop; }
std::atomic<bool>& checkpoint_asked() { return asked_for_checkpoint; }

}  // namespace subband
