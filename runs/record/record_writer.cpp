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

RecordWriter::RecordWriter(const fs::path& file, const LeaseTerms& terms) : file_(file) {
  lock_fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (lock_fd_ < 0) refuse_record(file, "cannot be written", errno);
  try {
    claim(terms, take_lock());
  } catch (...) {
    close_files();
    throw;
  }
}

RecordWriter::RecordWriter(RecordWriter&& other) noexcept
    : file_(std::move(other.file_)),
      lock_fd_(std::exchange(other.lock_fd_, -1)),
      fd_(std::exchange(other.fd_, -1)),
      lease_(std::exchange(other.lease_, std::nullopt)),
      next_(other.next_),
      bytes_(other.bytes_),
      torn_(std::move(other.torn_)) {}

RecordWriter& RecordWriter::operator=(RecordWriter&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(lock_fd_, other.lock_fd_);
  std::swap(fd_, other.fd_);
  std::swap(lease_, other.lease_);
  std::swap(next_, other.next_);
  std::swap(bytes_, other.bytes_);
  std::swap(torn_, other.torn_);
  return *this;
}

RecordWriter::~RecordWriter() { close_files(); }

void RecordWriter::close_files() {
  lease_.reset();  // before the lock goes: the next holder finds that this one has ended
  if (fd_ >= 0 && fd_ != lock_fd_) ::close(fd_);
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

void RecordWriter::moved_to(const fs::path& file) {
  file_ = file;
  if (lease_) lease_->moved_to(file.parent_path());
}

[[noreturn]] static void refuse_locked(const fs::path& file) {
  throw Error(Problem{file.string(),
                      "record = locked: is being written by " + holder_of(file) + "; wait for it or stop it",
                      "locked"});
}

static bool has_no_locks(int reason) {
  return reason == ENOLCK || reason == EOPNOTSUPP || reason == ENOSYS || reason == EINVAL;
}

// False where the file system has no locks.
bool RecordWriter::take_lock() {
  // Readers that ask whether a run is alive hold the lock for an instant, so one refusal is not final.
  for (int attempt = 0; ::flock(lock_fd_, LOCK_EX | LOCK_NB) != 0; ++attempt) {
    if (has_no_locks(errno)) return false;
    if (errno != EWOULDBLOCK && errno != EINTR) refuse_record(file_, "cannot be locked", errno);
    if (attempt == 20) refuse_locked(file_);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

// Waits until the beat of a claim changes (false), or it lapses or is over (true).
static bool becomes_silent(const fs::path& folder, const Lease& seen) {
  LeaseSights sights;
  while (true) {
    const auto lease = newest_lease(folder);
    if (!lease || lease->token != seen.token || lease->beat != seen.beat) return lease && is_over(*lease);
    if (is_over(*lease) || sights.has_lapsed(folder, *lease)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

void RecordWriter::claim(const LeaseTerms& terms, bool has_lock) {
  const fs::path folder = file_.parent_path();
  const auto former = newest_lease(folder);
  HeldLease::Terms wanted{.expiry_s = terms.expiry_s, .is_locked = has_lock};
  bool is_takeover = false;
  if (former) {
    // With the lock of this machine's file system in hand, a holder of this machine that had it too is no more.
    const bool was_locked_here = has_lock && former->is_locked && is_of_this_machine(*former);
    const bool is_free = was_locked_here || is_over(*former) ||
                         (terms.sights != nullptr ? terms.sights->has_lapsed(folder, *former)
                                                  : becomes_silent(folder, *former));
    if (!is_free) refuse_locked(file_);
    is_takeover = !was_locked_here;
    wanted.generation = former->generation + (is_takeover ? 1 : 0);
    wanted.is_renewed = !is_takeover;
  }
  try {
    lease_ = HeldLease::claim(folder, wanted);
    if (!lease_) refuse_locked(file_);
  } catch (const Error& error) {
    if (!has_lock || is_takeover || error.first().kind == "locked") throw;
    // A full disk: the lock alone keeps others away, and the record says what is wrong.
  }
  const RecordFile present = read_record_file(file_);
  next_ = static_cast<int64_t>(present.events.size());
  torn_ = present.torn;
  // Who claimed this generation before may have ended without a line of it; the file of the one before is another's.
  if (is_takeover || (lease_ && present.generation < lease_->generation()))
    begin_generation(present, *former);
  else
    open_present(present);
}

void RecordWriter::open_present(const RecordFile& present) {
  fd_ = lock_fd_;
  if (present.generation > 0) {
    const fs::path file = record_file(file_, present.generation);
    fd_ = ::open(file.c_str(), O_RDWR | O_APPEND | O_CLOEXEC);
    if (fd_ < 0) refuse_record(file, "cannot be written", errno);
  }
  cut(present.whole_bytes);
  bytes_ = present.whole_bytes;
  if (present.line_open) {
    if (::write(fd_, "\n", 1) != 1) refuse_record(file_, "cannot be written", errno);
    ++bytes_;
  }
}

void RecordWriter::begin_generation(const RecordFile& present, const Lease& former) {
  const auto make = [](const fs::path& file, int flags) {
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0666);
    if (fd < 0) refuse_record(file, "cannot be written", errno);
    return fd;
  };
  // A record ends at the first number without a file: whoever claimed one and ended before he made its file leaves none.
  for (int64_t earlier = 1; earlier < lease_->generation(); ++earlier)
    if (const fs::path gap = record_file(file_, earlier); !fs::exists(gap)) ::close(make(gap, 0));
  fd_ = make(record_file(file_, lease_->generation()), O_TRUNC);
  std::string from = "process " + std::to_string(former.process) + " on " + former.host;
  if (!former.is_released) from += ", of which no sign of life was seen";
  append("takeover",
         {{"generation", lease_->generation()},
          {"after", present.generation},
          {"bytes", present.whole_bytes},
          {"from", from}},
         true);
}

void RecordWriter::cut(uint64_t bytes) {
  if (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0)
    refuse_record(file_, "cannot be cut to whole lines", errno);
}

void RecordWriter::append(const std::string& event, const RecordJson& fields, bool is_durable) {
  if (lease_ && lease_->is_lost())
    throw Error(
        Problem{file_.string(),
                "record = taken over: another process goes on with this run; this one was silent for longer "
                "than its lease",
                "lost"});
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

namespace {

enum class LockState { held, free, unknown };

LockState lock_state(const fs::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return LockState::free;
  LockState state = LockState::free;
  if (::flock(fd, LOCK_SH | LOCK_NB) != 0)
    state = errno == EWOULDBLOCK ? LockState::held : LockState::unknown;
  ::close(fd);
  return state;
}

// The claim on a record whose lock is not held, if its holder may still be at work.
std::optional<Lease> open_claim(const fs::path& file, LockState lock) {
  auto lease = newest_lease(file.parent_path());
  if (!lease || is_over(*lease)) return std::nullopt;
  if (lock == LockState::free && lease->is_locked && is_of_this_machine(*lease)) return std::nullopt;
  return lease;
}

}  // namespace

bool is_being_written(const fs::path& file) {
  const LockState lock = lock_state(file);
  if (lock == LockState::held) return true;
  const auto lease = open_claim(file, lock);
  if (!lease) return false;
  if (is_of_this_machine(*lease)) return true;
  std::error_code failed;
  const auto beat =
      fs::last_write_time(file.parent_path() / ("lease." + std::to_string(lease->generation)), failed);
  if (failed) return false;
  return std::chrono::duration<double>(fs::file_time_type::clock::now() - beat).count() < 3 * lease->expiry_s;
}

bool is_being_written(const fs::path& file, LeaseSights& sights) {
  const LockState lock = lock_state(file);
  if (lock == LockState::held) return true;
  const auto lease = open_claim(file, lock);
  return lease && !sights.has_lapsed(file.parent_path(), *lease);
}

}  // namespace subband
