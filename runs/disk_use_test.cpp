#include "runs/disk_use.h"

#include <set>

#include "core/files.h"
#include "core/testing/catch.h"
#include "runs/testing/scratch.h"

namespace subband::disk_use_test {

namespace fs = std::filesystem;
using testing::Scratch;
using Names = std::set<std::string>;

static Names left_by(const fs::path& folder, const std::string& keep, bool has_best) {
  fs::remove_all(folder);
  fs::create_directories(folder / "checkpoints");
  for (const char* name : {"step-000000000010.safetensors", "step-000000000020.safetensors", "mine.txt"})
    write_file(folder / "checkpoints" / name, "12345");
  if (has_best) write_file(folder / "checkpoints/best.safetensors", "12345");
  keep_checkpoints(folder, keep);
  Names names;
  for (const auto& entry : fs::directory_iterator(folder / "checkpoints"))
    names.insert(entry.path().filename().string());
  names.erase("mine.txt");
  return names;
}

TEST_CASE("of the checkpoints the last, the best or none stays", "[disk_use]") {
  const Scratch scratch;
  const Names last = {"step-000000000020.safetensors"};
  CHECK(left_by(scratch / "run", "all", true).size() == 3);
  CHECK(left_by(scratch / "run", "last", true) == last);
  CHECK(left_by(scratch / "run", "best", true) == Names{"best.safetensors"});
  CHECK(left_by(scratch / "run", "best", false) == last);
  CHECK(left_by(scratch / "run", "none", true).empty());
  CHECK(disk_use(scratch / "run").checkpoints == 5);
}

TEST_CASE("what a run takes is counted by what it is", "[disk_use]") {
  const Scratch scratch;
  fs::create_directories(scratch / "run/checkpoints");
  write_file(scratch / "run/record.jsonl", "123");
  write_file(scratch / "run/samples.txt", "1");
  write_file(scratch / "run/checkpoints/step-000000000010.safetensors", "1234567");
  const DiskUse use = disk_use(scratch / "run");
  CHECK(use.folder == "run");
  CHECK(use.record == 3);
  CHECK(use.checkpoints == 7);
  CHECK(use.rest == 1);
  CHECK(keep_checkpoints(scratch / "run", "none") == 7);
}

}  // namespace subband::disk_use_test
