#include "runs/record/record_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <thread>
#include <utility>

#include "core/error.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void refuse_record(const fs::path& file, const char* what, int reason) {
  throw Error(file.string(), std::string(what) + ": " + std::strerror(reason));
}

double seconds_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::round(std::chrono::duration<double>(now).count() * 1000) / 1000;
}

// Who says in the record that it writes it.
std::string holder_of(const fs::path& file) {
  try {
    const RunRecord run = read_record(file);
    const int64_t process = integer_in(run.provenance, "process");
    const std::string host = text_in(run.provenance, "host");
    if (process > 0) return "process " + std::to_string(process) + (host.empty() ? "" : " on " + host);
  } catch (const Error&) {
    // a damaged record names nobody; the lock is held all the same
  }
  return "another process";
}

}  // namespace

RecordWriter::RecordWriter(const fs::path& file) : file_(file) {
  fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd_ < 0) refuse_record(file, "cannot be written", errno);
  try {
    take_lock();
    const RecordFile present = read_record_file(file);
    next_ = static_cast<int64_t>(present.events.size());
    torn_ = present.torn;
    cut(present.whole_bytes);
    bytes_ = present.whole_bytes;
    if (present.line_open) {
      if (::write(fd_, "\n", 1) != 1) refuse_record(file, "cannot be written", errno);
      ++bytes_;
    }
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

RecordWriter::RecordWriter(RecordWriter&& other) noexcept
    : file_(std::move(other.file_)),
      fd_(std::exchange(other.fd_, -1)),
      next_(other.next_),
      bytes_(other.bytes_),
      torn_(std::move(other.torn_)) {}

RecordWriter& RecordWriter::operator=(RecordWriter&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(fd_, other.fd_);
  std::swap(next_, other.next_);
  std::swap(bytes_, other.bytes_);
  std::swap(torn_, other.torn_);
  return *this;
}

RecordWriter::~RecordWriter() {
  if (fd_ >= 0) ::close(fd_);
}

void RecordWriter::take_lock() {
  // Readers that ask whether a run is alive hold the lock for an instant, so one refusal is not final.
  for (int attempt = 0; ::flock(fd_, LOCK_EX | LOCK_NB) != 0; ++attempt) {
    if (errno != EWOULDBLOCK && errno != EINTR) refuse_record(file_, "cannot be locked", errno);
    if (attempt == 20) {
      throw Error(Problem{
          file_.string(),
          "record = locked: is being written by " + holder_of(file_) + "; wait for it or stop it", "locked"});
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void RecordWriter::cut(uint64_t bytes) {
  if (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0)
    refuse_record(file_, "cannot be cut to whole lines", errno);
}

void RecordWriter::append(const std::string& event, const RecordJson& fields, bool is_durable) {
  RecordJson object = {{"seq", next_}, {"time", seconds_now()}, {"event", event}};
  for (const auto& [key, value] : fields.items()) object[key] = value;
  const std::string line = sealed_line(object);
  for (size_t done = 0; done < line.size();) {
    const ssize_t written = ::write(fd_, line.data() + done, line.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const int reason = written < 0 ? errno : ENOSPC;
      cut(bytes_);
      refuse_record(file_, "cannot be written", reason);
    }
    done += static_cast<size_t>(written);
  }
  bytes_ += line.size();
  ++next_;
  if (is_durable && ::fsync(fd_) != 0) refuse_record(file_, "cannot be written", errno);
}

void RecordWriter::start(const RunStart& start) {
  append("start",
         {{"id", start.id},
          {"recipe", start.recipe},
          {"seed", start.seed},
          {"config", start.config},
          {"parts", start.parts},
          {"data", start.data},
          {"provenance", start.provenance}},
         true);
}

void RecordWriter::resume(const RecordJson& provenance) {
  append("resume", {{"provenance", provenance}}, true);
}

void RecordWriter::end(const Outcome& outcome) {
  append("end",
         {{"status", outcome.status},
          {"step", outcome.step},
          {"message", outcome.message},
          {"metrics", metrics_json(outcome.metrics)}},
         true);
}

bool is_being_written(const fs::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool is_held = ::flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(fd);
  return is_held;
}

}  // namespace subband
