#include "core/program/surroundings.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <iostream>

#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "core/testing/process.h"

namespace subband::surroundings_test {

using testing::Process;

// Quotas above the machine's own processors change nothing, so the answers are at most its number.
static int64_t with_files(const std::vector<std::pair<std::string, std::string>>& files) {
  const TestFolder root;
  for (const auto& [name, text] : files) write_file(root / name, text);
  return usable_cores(root.path());
}

TEST_CASE("quotas of control groups bound the processors, in either version", "[surroundings]") {
  const int64_t all = with_files({});
  CHECK(all >= 1);
  CHECK(with_files({{"proc/self/cgroup", "0::/job\n"}, {"sys/fs/cgroup/job/cpu.max", "100000 100000\n"}}) ==
        1);
  CHECK(with_files({{"proc/self/cgroup", "0::/job\n"}, {"sys/fs/cgroup/job/cpu.max", "max 100000\n"}}) ==
        all);
  CHECK(with_files({{"proc/self/cgroup", "3:cpuset:/a\n4:cpu,cpuacct:/job\n"},
                    {"sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "100000\n"},
                    {"sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n"}}) == 1);
  CHECK(with_files({{"proc/self/cgroup", "4:cpu,cpuacct:/job\n"},
                    {"sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n"},
                    {"sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n"}}) == all);
}

TEST_CASE("a group that holds this one bounds it too, and a part of a processor is one", "[surroundings]") {
  CHECK(with_files({{"proc/self/cgroup", "0::/outer/inner\n"},
                    {"sys/fs/cgroup/outer/cpu.max", "50000 100000\n"},
                    {"sys/fs/cgroup/outer/inner/cpu.max", "900000 100000\n"}}) == 1);
  CHECK(with_files(
            {{"proc/self/cgroup", "0::/on/the/host\n"}, {"sys/fs/cgroup/cpu.max", "100000 100000\n"}}) == 1);
  CHECK(with_files({{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/cpu.max", "190000 100000\n"}}) == 1);
  CHECK(with_files({{"proc/self/cgroup", "nonsense\n"}, {"sys/fs/cgroup/cpu.max", "\n"}}) >= 1);
}

TEST_CASE("affinity bounds the processors", "[surroundings]") {
  Process child = Process::of([] {
    cpu_set_t allowed, one;
    CPU_ZERO(&one);
    if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 99;
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++i)
      if (CPU_ISSET(i, &allowed)) CPU_SET(i, &one);
    if (::sched_setaffinity(0, sizeof one, &one) != 0) return 98;
    return static_cast<int>(usable_cores());
  });
  CHECK(child.wait() == 1);
}

TEST_CASE("closed standard files are not taken by the next file that is opened", "[surroundings]") {
  const TestFolder folder;
  Process child = Process::of([&] {
    ::close(STDOUT_FILENO), ::close(STDERR_FILENO);
    open_standard_files();
    const int file = ::open((folder / "record").c_str(), O_WRONLY | O_CREAT, 0644);
    std::cout << "for a terminal" << std::endl;
    return file > STDERR_FILENO ? finished(0) : 9;
  });
  CHECK(child.wait() == 0);
  CHECK(read_file(folder / "record").empty());
}

TEST_CASE("standard output that cannot be written is exit code 1 and one line", "[surroundings]") {
  const TestFolder folder;
  for (const auto& [code, expected] : {std::pair{0, 1}, {4, 1}, {2, 2}}) {
    Process child = Process::of([&, code = code] {
      if (std::freopen((folder / "errors").c_str(), "w", stderr) == nullptr ||
          std::freopen("/dev/full", "w", stdout) == nullptr)
        return 9;
      std::cout << "a table\n";
      return finished(code);
    });
    CHECK(child.wait() == expected);
    CHECK(read_file(folder / "errors") == "standard output: cannot be written: No space left on device\n");
  }
}

}  // namespace subband::surroundings_test
