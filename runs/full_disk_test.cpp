// A run on a disk that is really full fails in one line, leaves nothing half-written under a final name, and goes on to
// the same weights once there is room. The disk is a small file system in memory, in a namespace of its own.
#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/files.h"
#include "core/tensors/digest.h"
#include "core/tensors/safetensors.h"
#include "core/testing/catch.h"
#include "core/testing/process.h"
#include "core/testing/program.h"
#include "experiments/training/checkpoints/checkpoint.h"
#include "runs/store.h"
#include "runs/testing/scratch.h"

namespace subband::full_disk_test {

namespace fs = std::filesystem;
using testing::Scratch;

static int shell(const std::string& script) { return testing::Process::of({"sh", "-c", script}).wait(); }

static std::string run_in(const std::string& program, const std::string& store) {
  return "'" + program +
         "' run tinyshakespeare/attention net.width=48 net.layers=1 trainer.steps=60 trainer.batch=2 "
         "trainer.length=32 trainer.checkpoint_every=10 'trainer.protocols=[]' --quiet --store '" +
         store + "' >/dev/null";
}

static std::string weights_digest(const fs::path& folder) {
  Tensors weights;
  for (const auto& [name, tensor] : read_checkpoint(folder / "checkpoints").tensors)
    if (name.starts_with("model/")) weights.emplace(name, tensor);
  return digest(weights);
}

TEST_CASE("a run survives a full disk: one line, nothing half-written, and the same weights later",
          "[full_disk]") {
  if (testing::lacks_program()) return;
  const std::string program = testing::built_program();
  const std::string own_disk = "unshare --user --map-root-user --mount sh -ec ";
  if (shell(own_disk + "'mount -t tmpfs none /mnt' 2>/dev/null") != 0) {
    WARN("skipped: this system lets nobody mount a file system of his own");
    return;
  }
  const Scratch scratch;
  REQUIRE(shell(run_in(program, (scratch / "whole").string())) == 0);
  // Room for nothing; for the tokens; for the tokens and a checkpoint or so; for everything.
  const std::string out = scratch.path().string(), disk = (scratch / "disk").string();
  fs::create_directories(disk);
  write_file(scratch / "script", "mount -t tmpfs -o size=16k none '" + disk + "'\n" +
                                     "for size in 16k 64k 2m 3m 64m; do\n"
                                     "  mount -o remount,size=$size '" +
                                     disk + "'\n" + "  code=0; " + run_in(program, disk + "/logs") + " 2>'" +
                                     out + "'/error.$size || code=$?\n" + "  echo $code >'" + out +
                                     "'/code.$size\n" + "  cp -r '" + disk + "' '" + out +
                                     "'/after.$size\n"
                                     "done\n");
  REQUIRE(shell(own_disk + "'. \"" + out + "/script\"'") == 0);

  int refused = 0;
  for (const std::string size : {"16k", "64k", "2m", "3m", "64m"}) {
    CAPTURE(size);
    const std::string code = read_file(scratch / ("code." + size)),
                      error = read_file(scratch / ("error." + size));
    CAPTURE(code, error);
    for (const auto& entry : fs::recursive_directory_iterator(scratch / ("after." + size)))
      if (entry.path().extension() == ".safetensors") CHECK_NOTHROW(read_safetensors(entry.path()));
    if (code == "0\n") continue;
    ++refused;
    CHECK(code == "1\n");
    CHECK_THAT(error, Catch::EndsWith(": cannot be written: No space left on device\n"));
    CHECK(std::count(error.begin(), error.end(), '\n') == 1);
  }
  CHECK(refused >= 2);
  CHECK(read_file(scratch / "code.64m") == "0\n");
  const Store whole(scratch / "whole"), cramped(scratch / "after.64m/logs");
  REQUIRE(cramped.folders().size() == 1);
  CHECK(weights_digest(cramped.folders()[0]) == weights_digest(whole.folders().at(0)));
}

}  // namespace subband::full_disk_test
