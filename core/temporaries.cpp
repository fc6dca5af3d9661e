#include "core/temporaries.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <ctime>
#include <random>
#include <vector>

#include "core/text.h"

namespace subband {

namespace fs = std::filesystem;

// What tells processes of one number apart: the machine, and in containers the space of process numbers.
static std::string machine_name() {
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  std::string name = host;
  for (char& letter : name)
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0 && letter != '-' && letter != '.') letter = '-';
  struct stat space {};
  if (::stat("/proc/self/ns/pid", &space) == 0) name += "." + std::to_string(space.st_ino);
  return name;
}

std::string temporary_name(const std::string& prefix) {
  std::random_device random;  // the only thing here that may differ from run to run
  return fmt::format("{}_{}_{:08x}_{}", prefix, ::getpid(), random(), machine_name());
}

// Whether nobody will finish what has this name.
static bool is_abandoned(const fs::path& file, const std::string& machine) {
  const std::vector<std::string> words = split(file.filename().string(), '_');
  if (words.size() < 4) return false;
  const auto process = parse_integer(words[1]);
  if (!process || *process <= 0 || words[2].size() != 8) return false;
  if (words[3] == machine) return ::kill(static_cast<pid_t>(*process), 0) != 0 && errno == ESRCH;
  struct stat status {};
  constexpr time_t kDay_s = 86'400;
  return ::lstat(file.c_str(), &status) == 0 && std::time(nullptr) - status.st_mtime > kDay_s;
}

void sweep_temporaries(const fs::path& folder) {
  const std::string machine = machine_name();
  std::error_code ignored;
  std::vector<fs::path> abandoned;
  for (fs::directory_iterator entry(folder, ignored), end; !ignored && entry != end;
       entry.increment(ignored)) {
    const std::string name = entry->path().filename().string();
    const bool is_temporary = name.starts_with(".tmp_") || name.starts_with(".new_");
    if (is_temporary && is_abandoned(entry->path(), machine)) abandoned.push_back(entry->path());
  }
  for (const fs::path& each : abandoned) fs::remove_all(each, ignored);
}

}  // namespace subband
