#include "core/program/surroundings.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#include "core/text.h"

namespace subband {

namespace fs = std::filesystem;

void open_standard_files() {
  for (const int file : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(file, F_GETFD) != -1 || errno != EBADF) continue;
    const int opened = ::open("/dev/null", O_RDWR);  // takes the lowest free number, which is this one
    if (opened > STDERR_FILENO) ::close(opened);
  }
}

int finished(int code) {
  errno = 0;
  std::cout.flush();
  const bool refused = std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout;
  if (!refused) return code;
  const std::string reason = errno != 0 ? std::string(": ") + std::strerror(errno) : "";
  std::cerr << "standard output: cannot be written" << reason << "\n";
  return code == 0 || code == 4 ? 1 : code;
}

namespace {

int64_t cores_of_affinity() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
  return std::max<int64_t>(1, std::thread::hardware_concurrency());  // more processors than the set holds
}

std::optional<double> first_number(const fs::path& file, size_t word) {
  std::ifstream in(file);
  std::string text;
  for (size_t i = 0; i <= word; ++i)
    if (!(in >> text)) return std::nullopt;
  return parse_number(text);
}

// Processors that the group pays for; nothing where it sets no limit.
std::optional<double> quota_in(const fs::path& folder) {
  const auto whole = [&](const char* file, size_t word) { return first_number(folder / file, word); };
  std::optional<double> quota = whole("cpu.max", 0),
                        period = whole("cpu.max", 1);  // "max 100000" is no number
  if (!quota) quota = whole("cpu.cfs_quota_us", 0), period = whole("cpu.cfs_period_us", 0);
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return *quota / *period;
}

// The least quota of a group and those that hold it. Inside a container a group's path may be the host's, and nothing
// lies there: then the mount itself is the group.
void lower_by(const fs::path& mount, const std::string& group, double& cores) {
  fs::path below = fs::path(group).relative_path();
  for (;; below = below.parent_path()) {
    if (const auto quota = quota_in(mount / below)) cores = std::min(cores, *quota);
    if (below.empty()) return;
  }
}

}  // namespace

int64_t usable_cores(const fs::path& root) {
  auto cores = static_cast<double>(cores_of_affinity());
  std::ifstream groups(root / "proc/self/cgroup");  // `0::/path`, `4:cpu,cpuacct:/path`
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1),
                      group = line.substr(second + 1);
    const std::vector<std::string> names = split(controllers, ',');
    if (controllers.empty()) {
      for (const char* mount : {"sys/fs/cgroup", "sys/fs/cgroup/unified"})
        lower_by(root / mount, group, cores);
    } else if (std::ranges::find(names, "cpu") != names.end()) {
      for (const std::string& mount : {controllers, std::string("cpu")})
        lower_by(root / "sys/fs/cgroup" / mount, group, cores);
    }
  }
  return std::max<int64_t>(1, static_cast<int64_t>(cores));
}

}  // namespace subband
