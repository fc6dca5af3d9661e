#include "runs/record/lease.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <mutex>
#include <random>
#include <sstream>
#include <thread>

#include "core/error.h"
#include "core/json.h"
#include "core/temporaries.h"
#include "runs/record/record_line.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

fs::path lease_file(const fs::path& folder, int64_t generation) {
  return folder / ("lease." + std::to_string(generation));
}

std::string content_of(const fs::path& file) {
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::string this_machine() {
  std::error_code none;
  std::string boot = content_of("/proc/sys/kernel/random/boot_id");
  boot.erase(std::remove(boot.begin(), boot.end(), '\n'), boot.end());
  return boot + " " + fs::read_symlink("/proc/self/ns/pid", none).string();
}

std::string this_host() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

// When a process began, in the system's ticks; 0 where there is none, or it has ended and nobody asked how. The 22nd word;
// the second may hold anything but `)`.
int64_t start_of_process(int64_t process) {
  const std::string text = content_of("/proc/" + std::to_string(process) + "/stat");
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream words(text.substr(name_end + 1));
  std::string state, word;
  words >> state;
  for (int i = 0; i < 19; ++i) words >> word;
  if (state == "Z") return 0;
  return std::strtoll(word.c_str(), nullptr, 10);
}

std::string lease_text(const Lease& lease) {
  return json_text(RecordJson{{"generation", lease.generation},
                              {"token", lease.token},
                              {"beat", lease.beat},
                              {"host", lease.host},
                              {"process", lease.process},
                              {"machine", lease.machine},
                              {"process_start", lease.process_start},
                              {"expiry_s", lease.expiry_s},
                              {"locked", lease.is_locked},
                              {"released", lease.is_released}}) +
         "\n";
}

std::optional<Lease> read_lease(const fs::path& file, int64_t generation) {
  const RecordJson json = read_json_or_null(content_of(file));
  if (!json.is_object()) return std::nullopt;
  const auto flag = [&](const char* key) { return json.contains(key) && json[key] == true; };
  Lease lease{.generation = generation,
              .token = text_in(json, "token"),
              .beat = integer_in(json, "beat"),
              .host = text_in(json, "host"),
              .process = integer_in(json, "process"),
              .machine = text_in(json, "machine"),
              .process_start = integer_in(json, "process_start"),
              .expiry_s = number_in(json, "expiry_s"),
              .is_locked = flag("locked"),
              .is_released = flag("released")};
  return lease;
}

std::string random_token() {
  std::random_device source;
  std::ostringstream text;
  text << std::hex << source() << source();
  return text.str();
}

// A file of its own in the folder; empty where the folder cannot be written.
fs::path written_beside(const fs::path& folder, const std::string& text) {
  const fs::path file = folder / temporary_name();
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return {};
  const bool is_whole = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  if (is_whole) return file;
  ::unlink(file.c_str());
  return {};
}

}  // namespace

std::optional<Lease> newest_lease(const fs::path& folder) {
  std::error_code none;
  int64_t generation = 0;
  while (fs::exists(lease_file(folder, generation), none)) ++generation;
  if (generation == 0) return std::nullopt;
  if (auto lease = read_lease(lease_file(folder, generation - 1), generation - 1)) return lease;
  return Lease{.generation = generation - 1};  // damaged: judged like any other, by no new beat
}

bool is_of_this_machine(const Lease& lease) { return lease.machine == this_machine(); }

bool is_over(const Lease& lease) {
  if (lease.is_released) return true;
  if (!is_of_this_machine(lease)) return false;
  if (::kill(static_cast<pid_t>(lease.process), 0) != 0 && errno == ESRCH) return true;
  return start_of_process(lease.process) != lease.process_start;  // the number went to another process
}

bool LeaseSights::has_lapsed(const fs::path& folder, const Lease& lease) {
  const auto now = std::chrono::steady_clock::now();
  Sight& sight = sights_.try_emplace(folder, Sight{lease.token, lease.beat, now}).first->second;
  if (sight.token != lease.token || sight.beat != lease.beat) sight = {lease.token, lease.beat, now};
  return std::chrono::duration<double>(now - sight.first).count() > lease.expiry_s;
}

struct HeldLease::State {
  Lease lease;
  fs::path folder;
  pid_t owner = ::getpid();
  mutable std::mutex mutex;
  std::condition_variable wakes;
  bool is_ending = false;
  std::thread heart;

  bool is_taken() const {
    std::error_code none;
    return fs::exists(lease_file(folder, lease.generation + 1), none);
  }
  // Best effort: a beat that cannot be written is one that others do not see.
  void write() const {
    if (is_taken()) return;
    const fs::path file = written_beside(folder, lease_text(lease));
    if (!file.empty()) ::rename(file.c_str(), lease_file(folder, lease.generation).c_str());
  }
  void beat_until_end() {
    std::unique_lock lock(mutex);
    const std::chrono::duration<double> pause(lease.expiry_s / 4);
    while (!wakes.wait_for(lock, pause, [&] { return is_ending; })) {
      ++lease.beat;
      write();
    }
  }
};

HeldLease::HeldLease(std::unique_ptr<State> state) : state_(std::move(state)) {}

std::optional<HeldLease> HeldLease::claim(const fs::path& folder, const Terms& terms) {
  auto state = std::make_unique<State>();
  state->folder = folder;
  state->lease = {.generation = terms.generation,
                  .token = random_token(),
                  .host = this_host(),
                  .process = ::getpid(),
                  .machine = this_machine(),
                  .process_start = start_of_process(::getpid()),
                  .expiry_s = terms.expiry_s,
                  .is_locked = terms.is_locked};
  const fs::path claim = lease_file(folder, terms.generation);
  const fs::path file = written_beside(folder, lease_text(state->lease));
  if (file.empty()) throw Error(folder.string(), std::string("cannot be written: ") + std::strerror(errno));
  const int made =
      terms.is_renewed ? ::rename(file.c_str(), claim.c_str()) : ::link(file.c_str(), claim.c_str());
  const int reason = errno;
  ::unlink(file.c_str());
  if (made != 0 && reason == EEXIST) return std::nullopt;
  if (made != 0) throw Error(claim.string(), std::string("cannot be made: ") + std::strerror(reason));
  // The heart hears no signals: they are for the thread that computes.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  state->heart = std::thread([held = state.get()] { held->beat_until_end(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return HeldLease(std::move(state));
}

HeldLease::HeldLease(HeldLease&& other) noexcept = default;

HeldLease& HeldLease::operator=(HeldLease&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

HeldLease::~HeldLease() { end(); }

void HeldLease::end() {
  if (!state_) return;
  if (state_->owner !=
      ::getpid()) {  // a fork of the holder: the claim is not its own, and the thread is not there
    state_->heart.detach();
    (void)state_.release();
    return;
  }
  {
    const std::lock_guard lock(state_->mutex);
    state_->is_ending = true;
  }
  state_->wakes.notify_all();
  state_->heart.join();
  state_->lease.is_released = true;
  state_->write();
}

int64_t HeldLease::generation() const { return state_->lease.generation; }

bool HeldLease::is_lost() const {
  const std::lock_guard lock(state_->mutex);
  return state_->is_taken();
}

void HeldLease::moved_to(const fs::path& folder) {
  const std::lock_guard lock(state_->mutex);
  state_->folder = folder;
}

}  // namespace subband
