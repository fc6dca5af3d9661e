#include "runs/interrupt.h"

#include <pthread.h>
#include <unistd.h>

#include <utility>

namespace subband {

static sigset_t interrupt_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  return signals;
}

InterruptWatch::InterruptWatch(std::function<void()> said) : said_(std::move(said)) {
  const sigset_t signals = interrupt_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, &before_);
  thread_ = std::jthread([this](const std::stop_token& ended) { watch(ended); });
}

InterruptWatch::~InterruptWatch() {
  thread_.request_stop();
  thread_.join();
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void InterruptWatch::watch(const std::stop_token& ended) {
  const sigset_t signals = interrupt_signals();
  const timespec wait{0, 50'000'000};
  while (!ended.stop_requested()) {
    if (::sigtimedwait(&signals, nullptr, &wait) < 0) continue;
    if (stop_.exchange(true)) ::_exit(kInterruptedExit);  // what is on the disk is whole at every instant
    said_();
  }
}

}  // namespace subband
