#include "runs/store.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>

#include "core/error.h"
#include "core/files.h"
#include "core/program/run_name.h"
#include "core/temporaries.h"
#include "core/text.h"
#include "runs/record/config_file.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

constexpr const char* kUnfinished = ".new";  // folders that have no final name yet

[[noreturn]] void refuse_store(const fs::path& place, const char* what, int reason) {
  throw Error(place.string(), std::string(what) + ": " + std::strerror(reason));
}

// One process at a time looks for a run and makes its folder, where the file system has locks; else the folder's name
// alone decides (claimed_name).
class CreationLock {
 public:
  explicit CreationLock(const fs::path& root) {
    std::error_code failed;
    fs::create_directories(root, failed);
    if (failed) refuse_store(root, "store cannot be made", failed.value());
    fd_ = ::open((root / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd_ < 0) refuse_store(root, "store cannot be written", errno);
    while (::flock(fd_, LOCK_EX) != 0) {
      if (errno == EINTR) continue;
      const int reason = errno;
      if (reason == ENOLCK || reason == EOPNOTSUPP || reason == ENOSYS || reason == EINVAL) {
        has_lock_ = false;
        break;
      }
      ::close(fd_);
      refuse_store(root, "store cannot be locked", reason);
    }
    sweep_temporaries(root);
    for (const auto& entry : fs::directory_iterator(root, failed))  // left behind by earlier versions
      if (entry.path().filename().string().starts_with(".new-")) fs::remove_all(entry.path(), failed);
  }
  CreationLock(const CreationLock&) = delete;
  CreationLock& operator=(const CreationLock&) = delete;
  ~CreationLock() { ::close(fd_); }
  bool has_lock() const { return has_lock_; }

 private:
  int fd_;
  bool has_lock_ = true;
};

std::string date_today() {
  return fmt::format("{:%Y-%m-%d}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

std::string name_of(const std::string& recipe) {
  std::string name = recipe;
  for (char& letter : name)
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0 && letter != '.' && letter != '_') letter = '-';
  return name.empty() ? "run" : name;
}

std::string seed_suffix(int64_t seed) { return "-s" + std::to_string(seed); }

RecordJson first_event(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  OpenedLine opened = open_line(line);
  if (!opened.complaint.empty()) throw Error(Problem{file.string() + ":1", opened.complaint, "damaged"});
  return std::move(opened.object);
}

}  // namespace

std::vector<fs::path> Store::folders() const { return run_folders(root_); }

std::vector<fs::path> Store::named_like(const std::string& id, int64_t seed) const {
  std::vector<fs::path> named = folders();
  std::erase_if(named, [&](const fs::path& folder) {
    const std::string name = folder.filename().string();
    return !name.ends_with(seed_suffix(seed)) || !id.starts_with(identity_in_name(name));
  });
  return named;
}

std::optional<fs::path> Store::find(const std::string& id, int64_t seed) const {
  return RunFolders(*this).find(id, seed);
}

// What every folder's name says of its run: the first 8 digits of the identity, and the seed.
static std::string key_of(const std::string& identity, const std::string& seed) {
  return identity.substr(0, 8) + seed;
}

RunFolders::RunFolders(const Store& store) {
  for (const fs::path& folder : store.folders()) {
    const std::string name = folder.filename().string();
    by_key_.emplace(key_of(identity_in_name(name), name.substr(name.rfind("-s"))), folder);
  }
}

std::optional<fs::path> RunFolders::find(const std::string& id, int64_t seed) const {
  const auto [first, last] = by_key_.equal_range(key_of(id, seed_suffix(seed)));
  for (auto each = first; each != last; ++each) {
    if (!id.starts_with(identity_in_name(each->second.filename().string()))) continue;
    try {
      const RecordJson start = first_event(each->second / kRecordName);
      if (text_in(start, "id") == id && integer_in(start, "seed") == seed) return each->second;
    } catch (const Error&) {  // one bad neighbour does not keep the others from being found
      continue;
    }
  }
  return std::nullopt;
}

std::vector<UnreadableRun> Store::unreadable(const std::string& id, int64_t seed) const {
  std::vector<UnreadableRun> runs;
  for (const fs::path& folder : named_like(id, seed)) {
    try {
      (void)first_event(folder / kRecordName);
    } catch (const Error& error) {
      runs.push_back({folder, error.first()});
    }
  }
  return runs;
}

fs::path Store::resolve(const std::string& run) const { return named_run(root_, run); }

OpenRun Store::open_or_create(const RunStart& start, const config::Node& resolved,
                              const LeaseTerms& terms) const {
  for (int attempt = 0; attempt < 3; ++attempt) {
    std::optional<fs::path> present;
    {
      const CreationLock lock(root_);
      present = find(start.id, start.seed);
      if (!present) {
        if (auto made = create(start, resolved, terms, lock.has_lock())) return std::move(*made);
      }
    }
    // Without the lock, so that waiting for a writer that does not answer holds up no other run.
    if (present) return {*present, RecordWriter(*present / kRecordName, terms), false};
  }
  throw Error(root_.string(), "run = " + start.id + ": its folder's name is taken by something else");
}

// Without locks two processes could make one run's folder under two dates. The name that is linked first as a note is that of
// the run, and both processes use it.
static std::string claimed_name(const fs::path& root, const RunStart& start, const std::string& name) {
  const fs::path folder = root / ".names";
  std::error_code failed;
  fs::create_directories(folder, failed);
  const fs::path note = folder / (start.id + seed_suffix(start.seed));
  const fs::path own = folder / temporary_name();
  write_file(own, name);
  const bool is_first = ::link(own.c_str(), note.c_str()) == 0;
  fs::remove(own, failed);
  return is_first ? name : read_file(note);
}

// Nothing where another process has made the folder in between.
std::optional<OpenRun> Store::create(const RunStart& start, const config::Node& resolved,
                                     const LeaseTerms& terms, bool has_lock) const {
  const fs::path unfinished = root_ / temporary_name(kUnfinished);
  std::error_code failed;
  try {
    fs::create_directory(unfinished, failed);
    if (failed) refuse_store(root_, "store cannot be written", failed.value());
    RecordWriter record(unfinished / kRecordName, terms);
    record.start(start);
    write_file(unfinished / "config.yaml", config_file_text(start, resolved));
    for (size_t digits = 8; digits <= start.id.size(); digits += 8) {  // more than 8 only where 8 are taken
      std::string name = date_today() + "_" + name_of(start.recipe) + "_" + start.id.substr(0, digits) +
                         seed_suffix(start.seed);
      if (!has_lock) name = claimed_name(root_, start, name);
      const fs::path folder = root_ / name;
      if (::rename(unfinished.c_str(), folder.c_str()) == 0) {
        record.moved_to(folder / kRecordName);
        return OpenRun{folder, std::move(record), true};
      }
      if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
        refuse_store(folder, "cannot be made", errno);
      if (find(start.id, start.seed)) {  // made by another process since this one looked
        fs::remove_all(unfinished, failed);
        return std::nullopt;
      }
    }
    throw Error(root_.string(), "run = " + start.id + ": its folder's name is taken by something else");
  } catch (...) {
    fs::remove_all(unfinished, failed);
    throw;
  }
}

void Store::remove(const fs::path& folder) const {
  if (is_being_written(folder / kRecordName))
    throw Error(Problem{folder.string(), "run: is being written; stop it first", "locked"});
  const CreationLock lock(root_);
  const fs::path hidden = root_ / temporary_name();
  std::error_code failed;
  fs::rename(folder, hidden, failed);
  if (failed) refuse_store(folder, "cannot be removed", failed.value());
  fs::remove_all(hidden, failed);
  if (failed) refuse_store(hidden, "cannot be removed", failed.value());
}

fs::path Store::set_aside(const fs::path& folder) const {
  if (is_being_written(folder / kRecordName))
    throw Error(Problem{folder.string(), "run: is being written; stop it first", "locked"});
  const CreationLock lock(root_);
  std::error_code failed;
  fs::create_directories(root_ / "replaced", failed);
  fs::path target = root_ / "replaced" / folder.filename();
  for (int number = 2; fs::exists(target, failed); ++number)
    target = root_ / "replaced" / (folder.filename().string() + "." + std::to_string(number));
  fs::rename(folder, target, failed);
  if (failed) refuse_store(folder, "cannot be set aside", failed.value());
  return target;
}

}  // namespace subband
