#include "sweeps/scheduling/worker.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "core/program/signals.h"

namespace subband {

namespace {

// One message; the system writes so few bytes in one piece.
struct WorkerMessage {
  CellProgress progress;
  bool is_end = false;
  bool is_paused = false;
  Status status = Status::done;
  char text[400] = {};
};
static_assert(sizeof(WorkerMessage) <= _POSIX_PIPE_BUF);

template <size_t size>
void copy_text(char (&to)[size], const std::string& from) {
  std::memcpy(to, from.data(), std::min(from.size(), size - 1));
}

}  // namespace

void WorkerLink::look() {
  if (stop_asked() || ::getppid() != parent_) stop_ = true;
}

void WorkerLink::progress(const CellProgress& progress) {
  look();
  const auto now = std::chrono::steady_clock::now();
  if (now - told_ < std::chrono::milliseconds(100)) return;
  told_ = now;
  const WorkerMessage message{.progress = progress};
  if (::write(fd_, &message, sizeof message) < 0 && errno == EPIPE) stop_ = true;
}

void WorkerLink::end(const CellOutcome& outcome) {
  WorkerMessage message{.is_end = true, .is_paused = outcome.is_paused, .status = outcome.status};
  copy_text(message.text, outcome.message);
  while (::write(fd_, &message, sizeof message) < 0 && errno == EINTR) {
  }
}

WorkerNews WorkerPipe::read() {
  WorkerNews news;
  char bytes[64 * sizeof(WorkerMessage)];
  const ssize_t got = ::read(fd_, bytes, sizeof bytes);
  if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) news.is_closed = true;
  if (got > 0) pending_.append(bytes, static_cast<size_t>(got));
  size_t done = 0;
  for (; pending_.size() - done >= sizeof(WorkerMessage); done += sizeof(WorkerMessage)) {
    WorkerMessage message;
    std::memcpy(&message, pending_.data() + done, sizeof message);
    if (message.is_end)
      news.ends.push_back(
          {.status = message.status, .message = message.text, .is_paused = message.is_paused});
    else
      news.progress.push_back(message.progress);
  }
  pending_.erase(0, done);
  return news;
}

}  // namespace subband
