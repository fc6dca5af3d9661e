#include "sweeps/slurm/submission.h"

#include <stdlib.h>

#include "core/error.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "sweeps/scheduling/rest.h"
#include "sweeps/slurm/waves.h"

namespace subband::slurm_submission_test {

namespace fs = std::filesystem;

// Programs of Slurm's names that answer from files: what squeue shows, and whether sbatch refuses.
class StandIns {
 public:
  explicit StandIns(const fs::path& folder) : folder_(folder), path_(std::getenv("PATH")) {
    write("squeue", "cat '" + (folder / "elements").string() + "'");
    write("scontrol", "echo 'MaxArraySize = 1001'");
    write("sbatch", "[ -e '" + (folder / "refuses").string() + "' ] && { echo 'access denied' >&2; exit 1; }; echo 7");
    write_file(folder / "elements", "");
    ::setenv("PATH", (folder.string() + ":" + path_).c_str(), 1);
  }
  StandIns(const StandIns&) = delete;
  StandIns& operator=(const StandIns&) = delete;
  ~StandIns() { ::setenv("PATH", path_.c_str(), 1); }

 private:
  void write(const std::string& name, const std::string& script) const {
    write_file(folder_ / name, "#!/bin/sh\n" + script + "\n");
    fs::permissions(folder_ / name, fs::perms::owner_all);
  }
  fs::path folder_;
  std::string path_;
};

struct LearningQueue final : CellQueue {
  FixedQueue cells;
  bool does_learn;
  LearningQueue(size_t count, bool learning) : cells(count), does_learn(learning) {}
  std::optional<CellTurn> next() override { return cells.next(); }
  void ended(size_t cell, const CellResult& result) override { cells.ended(cell, result); }
  bool learns() const override { return does_learn; }
};

static SweepPlan plan_of_five() {
  SweepPlan plan;
  plan.spec.name = "s";
  plan.grid.rows.push_back({.label = "base", .recipe = "a"});
  for (int64_t seed = 0; seed < 5; ++seed)
    plan.cells.push_back({.cell = {.row = 0, .seed = seed, .name = "base"},
                          .id = sha256_hex("base"),
                          .recipe = std::make_shared<const config::Node>(config::Node::map())});
  return plan;
}

// Submits five cells, two at once; where they are then.
static std::string submitted(const fs::path& store, CellQueue& queue) {
  const SweepPlan plan = plan_of_five();
  const Store runs(store);
  StoreBook book(runs, plan);
  ScheduleObserver none;
  return slurm::submit_sweep({.jobs = 2}, {.plan = plan,
                                           .book = book,
                                           .queue = queue,
                                           .run_cell = {},
                                           .store = store,
                                           .folder = store / "sweeps/s",
                                           .again = {"sweep", "s"},
                                           .observer = none})
      .elsewhere;
}

TEST_CASE("of a queue that learns no more is submitted than may run at once, of others all", "[slurm]") {
  const TestFolder folder;
  const StandIns slurm(folder / "bin");
  LearningQueue learning(5, true), other(5, false);
  CHECK(submitted(folder / "one", learning).starts_with("2 cells submitted as 7;"));
  CHECK(submitted(folder / "two", other).starts_with("5 cells submitted as 7;"));
}

TEST_CASE("where a job may not be submitted the sweep waits until it may", "[slurm]") {
  const TestFolder folder;
  const StandIns slurm(folder / "bin");
  write_file(folder / "bin/refuses", "");
  LearningQueue first(5, true), second(5, true);
  CHECK_THROWS_WITH(submitted(folder / "store", first), "slurm: sbatch: access denied");
  CHECK(rest_of(folder / "store/sweeps/s") == "slurm: sbatch: access denied");
  fs::remove(folder / "bin/refuses");
  CHECK(submitted(folder / "store", second).starts_with("2 cells submitted"));
  CHECK(rest_of(folder / "store/sweeps/s").empty());
}

TEST_CASE("an element that has said that its turn is over counts as ended, though its job goes on", "[slurm]") {
  const TestFolder folder;
  const StandIns slurm(folder / "bin");
  const fs::path sweep = folder / "store/sweeps/s";
  LearningQueue queue(5, true), again(5, true);
  submitted(folder / "store", queue);
  const std::string digits = sha256_hex(fs::canonical(sweep / "slurm").string()).substr(0, 16);
  const std::string comment = "|RUNNING|None|subband:" + digits + ":1:0\n";
  write_file(folder / "bin/elements", "7|0|8" + comment + "7|1|7" + comment);
  CHECK(submitted(folder / "store", again).starts_with("0 cells submitted; 2 are with Slurm already"));
  write_file(sweep / "slurm/wave-1.tasks.ended/1", "");
  LearningQueue later(5, true);
  CHECK(submitted(folder / "store", later).starts_with("1 cells submitted as 7; 1 are with Slurm already"));
  size_t ended = 0;
  for (const auto& [task, element] : slurm::Waves(sweep).known().of_tasks) ended += element.state == "COMPLETED" ? 1 : 0;
  CHECK(ended == 1);
}

}  // namespace subband::slurm_submission_test
