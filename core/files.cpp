#include "core/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <utility>

#include "core/error.h"
#include "core/temporaries.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const fs::path& path, const char* what, int error) {
  std::error_code none;
  if (error == ENOENT && fs::is_symlink(fs::symlink_status(path, none)))
    throw Error(path.string(),
                std::string(what) + ": is a link to " + fs::read_symlink(path, none).string() + ", where nothing lies");
  throw Error(path.string(), std::string(what) + ": " + std::strerror(error));
}

// An open descriptor that is closed whatever happens.
class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags) : shown_(path), fd_(::open(path.c_str(), flags)) {}
  /// Creates `path`; complaints name `shown`, the file that the user asked for.
  Descriptor(const fs::path& path, int flags, const fs::path& shown)
      : shown_(shown), fd_(::open(path.c_str(), flags | O_CREAT, 0666)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  void write(std::span<const std::byte> bytes) const {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail(shown_, "cannot be written", errno);
      bytes = bytes.subspan(static_cast<size_t>(written));
    }
  }
  void sync() const {
    if (::fsync(fd_) != 0) fail(shown_, "cannot be written", errno);
  }

 private:
  fs::path shown_;
  int fd_;
};

}  // namespace

std::string read_file(const fs::path& path) {
  const Descriptor file(path, O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (!file.ok() || ::fstat(file.get(), &status) != 0) fail(path, "cannot be read", errno);
  if (S_ISDIR(status.st_mode)) fail(path, "cannot be read", EISDIR);
  std::string content;
  content.reserve(static_cast<size_t>(status.st_size));
  char buffer[1 << 16];
  while (const ssize_t got = ::read(file.get(), buffer, sizeof buffer)) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, "cannot be read", errno);
    content.append(buffer, static_cast<size_t>(got));
  }
  return content;
}

void write_file(const fs::path& path, std::string_view content) {
  write_file(path, [&](const Sink& sink) { sink(std::as_bytes(std::span(content))); });
}

void write_file(const fs::path& path, const std::function<void(const Sink&)>& produce) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code made;
  fs::create_directories(folder, made);
  if (made) fail(folder, "cannot be made", made.value());
  sweep_temporaries(folder);
  const fs::path temporary = folder / temporary_name();
  try {
    const Descriptor file(temporary, O_WRONLY | O_TRUNC | O_CLOEXEC, path);
    if (!file.ok()) fail(path, "cannot be written", errno);
    produce([&](std::span<const std::byte> bytes) { file.write(bytes); });
    file.sync();
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    fail(path, "cannot be written", error);
  }
  const Descriptor directory(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory.ok())
    ::fsync(directory.get());  // some file systems refuse this; the rename stands all the same
}

bool lies_there(const fs::path& path) {
  std::error_code none;
  return fs::exists(fs::symlink_status(path, none));
}

MappedFile::MappedFile(const fs::path& path) {
  const Descriptor file(path, O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (!file.ok() || ::fstat(file.get(), &status) != 0) fail(path, "cannot be read", errno);
  if (S_ISDIR(status.st_mode)) fail(path, "cannot be read", EISDIR);
  size_ = static_cast<size_t>(status.st_size);
  if (size_ == 0) return;
  void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (mapped == MAP_FAILED) fail(path, "cannot be mapped", errno);
  data_ = static_cast<const std::byte*>(mapped);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

static fs::path root_above_program() {
  std::error_code none;
  for (fs::path folder = fs::read_symlink("/proc/self/exe", none).parent_path(); folder.has_relative_path();
       folder = folder.parent_path()) {
    if (fs::is_directory(folder / "experiments" / "recipes", none)) return folder;
  }
  throw Error("SUBBAND_ROOT",
              "no folder with experiments/recipes above the program; set SUBBAND_ROOT to the checkout");
}

fs::path program_root() {
  if (const char* root = std::getenv("SUBBAND_ROOT")) return root;
  static const fs::path kFound = root_above_program();  // the program does not move while it runs
  return kFound;
}

}  // namespace subband
