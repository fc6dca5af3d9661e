#include "core/temporaries.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>
#include <set>

#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "core/testing/process.h"

using namespace subband;

TEST_CASE("what a dead process left half written is swept, and nothing else", "[files]") {
  const TestFolder folder;
  const std::string ours = temporary_name(), made = temporary_name(".new");
  CHECK(ours != temporary_name());
  const auto of_process = [&](const std::string& name, const std::string& process) {
    const size_t begin = name.find('_') + 1;
    return name.substr(0, begin) + process + name.substr(name.find('_', begin));
  };
  testing::Process child = testing::Process::of([] { return 0; });
  const std::string dead = std::to_string(child.id());
  CHECK(child.wait() == 0);
  const std::string elsewhere = ".tmp_" + dead + "_00000000_another-machine.1";
  std::filesystem::create_directories(folder / of_process(made, dead) / "inside");
  for (const std::string& name :
       {ours, of_process(ours, dead), elsewhere, std::string(".tmp_note"), std::string("a")})
    std::ofstream(folder / name) << "x";
  write_file(folder / "file", "text");
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    names.insert(entry.path().filename().string());
  CHECK(names == std::set<std::string>{ours, elsewhere, ".tmp_note", "a", "file"});
  const timespec long_ago[2] = {{1'000'000, 0}, {1'000'000, 0}};
  ::utimensat(AT_FDCWD, (folder / elsewhere).c_str(), long_ago, 0);
  sweep_temporaries(folder.path());
  CHECK(!std::filesystem::exists(folder / elsewhere));
}
