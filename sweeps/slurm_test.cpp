// Sweeps on a real Slurm of one node, which the test starts. Skipped where Slurm or the program are missing.
#include <cstdlib>

#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "runs/store.h"
#include "runs/sweep_manifest.h"
#include "sweeps/testing/slurm_cluster.h"

namespace subband::slurm_test {

namespace fs = std::filesystem;
using testing::Process;
using testing::SlurmCluster;
using Words = std::vector<std::string>;

struct Setting {
  TestFolder folder;
  std::string program;
  SlurmCluster cluster;

  Setting() {
    const char* path = std::getenv("SUBBAND_PROGRAM");
    if (path != nullptr && fs::exists(path)) program = path;
    ::chmod(folder.path().c_str(), 0755);
  }
  bool is_skipped() const {
    if (program.empty()) WARN("skipped: SUBBAND_PROGRAM names no program");
    if (!cluster.reason().empty()) WARN("skipped: " << cluster.reason());
    return program.empty() || !cluster.reason().empty();
  }
  int run(Words words, const std::string& log) const {
    words.insert(words.begin(), program);
    return Process::of(
               words,
               {.out = folder / log, .err = folder / (log + ".err"), .environment = cluster.environment()})
        .wait(std::getenv("SUBBAND_SWEEPS_WHOLE") != nullptr ? 900 : 100);
  }
  int sweep(const std::string& spec, const std::string& store, const Words& more,
            const std::string& log) const {
    Words words = {"sweep", (folder / spec).string(), "--store", (folder / store).string(), "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words, log);
  }
  std::string table(const std::string& name, const std::string& store) const {
    CHECK(run({"report", name, "--store", (folder / store).string(), "--format", "csv", "--without-cost",
               "--quiet"},
              "table") == 0);
    return read_file(folder / "table");
  }
  void write_spec(const std::string& name, const std::string& rows, int steps) const {
    write_file(
        folder / (name + ".yaml"),
        "base: tinyshakespeare/attention\nseeds: [1, 2]\nset: [net.width=24, net.layers=1, trainer.steps=" +
            std::to_string(steps) +
            ", trainer.checkpoint_every=0, trainer.evaluate_every=0, trainer.batch=2, trainer.length=16,\n"
            "      trainer.evaluate_batches=1, 'trainer.protocols=[]', samples.tokens=0]\nmetric: {name: "
            "train.loss}\n"
            "ablate: {" +
            rows + "}\nlauncher: {type: slurm, poll_s: 0.2, lease_s: 5, minutes: 5, memory_mib: 1500}\n");
  }
};

static std::string notes_of(const Store& store, const std::string& word) {
  std::string found;
  for (const auto& folder : store.folders())
    for (const std::string& note : read_record(folder / kRecordName).notes)
      if (note.find(word) != std::string::npos) found += note + "\n";
  return found;
}

TEST_CASE(
    "a sweep on Slurm ends with the table of a local one, and goes on after the warning of a time limit",
    "[slurm_cluster]") {
  const Setting here;
  if (here.is_skipped()) return;
  // Six cells in arrays of five at most, four at once.
  here.write_spec("grid", "wide: net.width=48, deep: net.layers=2", 6);
  CHECK(here.sweep("grid.yaml", "local", {"--launcher", "local", "--jobs", "2"}, "local.log") == 0);
  CHECK(here.sweep("grid.yaml", "there", {"launcher.wait=true", "--jobs", "4"}, "there.log") == 0);
  CHECK(here.table("grid", "there") == here.table("grid", "local"));
  const Store there(here.folder / "there");
  const std::string notes = notes_of(there, "slurm: job ");
  CHECK(std::ranges::count(notes, '\n') == 6);
  CHECK(fs::exists(notes.substr(notes.find("log ") + 4, notes.find('\n') - notes.find("log ") - 4)));
  CHECK(fs::exists(here.folder / "there/sweeps/grid/slurm/wave-1.tasks"));

  // Submitted and left; what is with Slurm is not submitted again.
  here.write_spec("long", "wide: net.width=48", 200000);
  CHECK(here.sweep("long.yaml", "left", {"seeds=[1]"}, "first.log") == 0);
  CHECK_THAT(read_file(here.folder / "first.log"), Catch::StartsWith("2 cells submitted as "));
  CHECK(here.sweep("long.yaml", "left", {"seeds=[1]"}, "second.log") == 0);
  CHECK_THAT(read_file(here.folder / "second.log"),
             Catch::StartsWith("0 cells submitted; 2 are with Slurm already"));

  // The warning before the limit: a checkpoint, and another start that goes on from it.
  const Store left(here.folder / "left");
  const auto step_of = [&](size_t run) {
    const auto folders = left.folders();
    return run < folders.size() ? read_record(folders[run] / kRecordName).step : 0;
  };
  REQUIRE(SlurmCluster::wait_until([&] { return step_of(0) > 0 && step_of(1) > 0; }));
  const std::string job = here.cluster.ask({"squeue", "-h", "-o", "%F"});
  here.cluster.ask({"scancel", "--signal=USR1", "--batch", job.substr(0, job.find('\n'))});
  const auto is_waiting = [&] {
    return here.cluster.ask({"squeue", "-h", "-r", "-o", "%T"}) == "PENDING\nPENDING\n";
  };
  REQUIRE(SlurmCluster::wait_until(is_waiting));
  for (const auto& folder : left.folders()) {
    const RunRecord run = read_record(folder / kRecordName);
    CHECK(run.status == Status::stopped);
    CHECK(fs::exists(folder / "checkpoints"));
  }
  const int64_t before = step_of(0);
  CHECK(here.sweep("long.yaml", "left", {"seeds=[1]"}, "third.log") == 0);
  CHECK_THAT(read_file(here.folder / "third.log"),
             Catch::StartsWith("0 cells submitted; 2 are with Slurm already"));
  REQUIRE(SlurmCluster::wait_until([&] { return notes_of(left, "start 1 after the first").size() > 0; }));
  REQUIRE(SlurmCluster::wait_until([&] { return step_of(0) > before; }));
  const RunRecord resumed = read_record(left.folders()[0] / kRecordName);
  CHECK(resumed.resumes == 1);
}

TEST_CASE("two hundred tasks write into one store", "[slurm_cluster]") {
  if (std::getenv("SUBBAND_SWEEPS_WHOLE") == nullptr) return;  // minutes
  const Setting here;
  if (here.is_skipped()) return;
  here.write_spec("many", "wide: net.width=48", 6);
  Words more = {"launcher.wait=true", "seeds=[1"};
  for (int seed = 2; seed <= 100; ++seed) more.back() += "," + std::to_string(seed);
  more.back() += "]";
  more.insert(more.end(), {"--name", "many"});
  CHECK(here.sweep("many.yaml", "there", more, "there.log") == 0);
  const Store there(here.folder / "there");
  CHECK(there.folders().size() == 200);
  for (const auto& folder : there.folders()) {
    const RunRecord run = read_record(folder / kRecordName);
    CHECK(run.status == Status::done);
    CHECK(run.resumes == 0);
  }
}

}  // namespace subband::slurm_test
