// Sweeps on a real Slurm of one node, which the test starts. Skipped where Slurm or the program are missing.
#include <chrono>
#include <cstdlib>
#include <thread>

#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "core/testing/program.h"
#include "runs/store.h"
#include "runs/sweep_manifest.h"
#include "sweeps/testing/slurm_cluster.h"
#include "sweeps/testing/small_recipe.h"

namespace subband::slurm_test {

namespace fs = std::filesystem;
using testing::Process;
using testing::SlurmCluster;
using Words = std::vector<std::string>;

// One cluster for all tests: it takes seconds to come and to go.
static const SlurmCluster& the_cluster() {
  static const SlurmCluster cluster;
  return cluster;
}

static bool is_whole() { return std::getenv("SUBBAND_SWEEPS_WHOLE") != nullptr; }
static bool is_left_to_whole_runs() {
  if (!is_whole()) WARN("skipped: takes long; SUBBAND_SWEEPS_WHOLE asks for it");
  return !is_whole();
}

struct Setting {
  TestFolder folder;
  const SlurmCluster& cluster = the_cluster();
  std::string recipe = testing::write_small_recipe(folder.path(), testing::small_recipe::kAttention);

  Setting() { ::chmod(folder.path().c_str(), 0755); }
  ~Setting() {
    if (cluster.reason().empty()) cluster.ask({"scancel", "--user=" + std::to_string(::getuid())});
  }
  bool is_skipped() const {
    if (!cluster.reason().empty()) WARN("skipped: " << cluster.reason());
    return testing::lacks_program() || !cluster.reason().empty();
  }
  Process start(Words words, const std::string& log) const {
    words.insert(words.begin(), testing::built_program());
    return Process::of(
        words, {.out = folder / log, .err = folder / (log + ".err"), .environment = cluster.environment()});
  }
  int run(const Words& words, const std::string& log) const {
    return start(words, log).wait(is_whole() ? 900 : 100);
  }
  Words sweep_words(const std::string& spec, const std::string& store, const Words& more) const {
    Words words = {"sweep", (folder / spec).string(), "--store", (folder / store).string(), "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  int sweep(const std::string& spec, const std::string& store, const Words& more,
            const std::string& log) const {
    return run(sweep_words(spec, store, more), log);
  }
  std::string table(const std::string& name, const std::string& store) const {
    CHECK(run({"report", name, "--store", (folder / store).string(), "--format", "csv", "--without-cost",
               "--quiet"},
              "table") == 0);
    return read_file(folder / "table");
  }
  void write_spec(const std::string& name, const std::string& rows, int steps) const {
    write_file(folder / (name + ".yaml"),
               "base: " + recipe +
                   "\nseeds: [1, 2]\nset: [net.width=24, trainer.checkpoint_every=0, 'trainer.protocols=[]', "
                   "trainer.steps=" +
                   std::to_string(steps) +
                   "]\nmetric: {name: train.loss}\n"
                   "ablate: {" +
                   rows +
                   "}\nlauncher: {type: slurm, poll_s: 0.2, lease_s: 5, minutes: 5, memory_mib: 1500, "
                   "prologue: [umask 002]}\n");
  }
};

static std::string notes_of(const Store& store, const std::string& word) {
  std::string found;
  for (const auto& folder : store.folders())
    for (const std::string& note : read_record(folder / kRecordName).notes)
      if (note.find(word) != std::string::npos) found += note + "\n";
  return found;
}

// Whether others of its group may go on with a run: its folder and record are theirs, too.
static bool group_may_write(const fs::path& run) {
  return std::ranges::all_of(std::vector{run, run / kRecordName}, [](const fs::path& file) {
    return (fs::status(file).permissions() & fs::perms::group_write) != fs::perms::none;
  });
}

TEST_CASE(
    "a sweep on Slurm ends with the table of a local one, and goes on after the warning of a time limit",
    "[slurm_cluster]") {
  const Setting here;
  if (here.is_skipped()) return;
  // Four cells in arrays of three at most, two at once.
  here.write_spec("grid", "wide: net.width=48", 6);
  CHECK(here.sweep("grid.yaml", "local", {"--launcher", "local", "--jobs", "2"}, "local.log") == 0);
  CHECK(here.sweep("grid.yaml", "there", {"launcher.wait=true", "--jobs", "2"}, "there.log") == 0);
  CHECK(here.table("grid", "there") == here.table("grid", "local"));
  const Store there(here.folder / "there");
  CHECK(std::ranges::all_of(there.folders(), group_may_write));
  const std::string notes = notes_of(there, "slurm: job ");
  CHECK(std::ranges::count(notes, '\n') == 4);
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
  const int64_t before = std::max(step_of(0), step_of(1));
  CHECK(here.sweep("long.yaml", "left", {"seeds=[1]"}, "third.log") == 0);
  CHECK_THAT(read_file(here.folder / "third.log"),
             Catch::StartsWith("0 cells submitted; 2 are with Slurm already"));
  // Slurm holds a job that was queued again for some seconds; one that is told to start at once may be refused by its node,
  // which still knows the credential of its first start.
  REQUIRE(SlurmCluster::wait_until([&] { return notes_of(left, "start 1 after the first").size() > 0; }, 150));
  REQUIRE(SlurmCluster::wait_until([&] { return step_of(0) > before || step_of(1) > before; }));
  CHECK(read_record(left.folders()[0] / kRecordName).resumes + read_record(left.folders()[1] / kRecordName).resumes > 0);
}

// Until a file is there, or something else holds.
template <class Condition>
static bool comes_true(const Condition& condition) {
  return SlurmCluster::wait_until(condition, 90);
}

static size_t lines_in(const fs::path& file) {
  return fs::exists(file) ? static_cast<size_t>(std::ranges::count(read_file(file), '\n')) : 0;
}

static std::vector<int64_t> steps_of(const Store& store) {
  std::vector<int64_t> steps;
  for (const auto& folder : store.folders()) steps.push_back(read_record(folder / kRecordName).step);
  std::ranges::sort(steps);
  return steps;
}

TEST_CASE(
    "the task that ends last goes on with a sweep that nobody waits for; where jobs may not submit the sweep waits, and the "
    "same command goes on",
    "[slurm_cluster]") {
  const Setting here;
  if (here.is_skipped()) return;
  const std::string tiny = "base: " + here.recipe +
                           "\nseeds: [1]\nset: [trainer.steps=4, trainer.evaluate_every=2]\nmetric: {name: valid.bpb}\n";
  const std::string launcher = "launcher: {type: slurm, jobs: 3, poll_s: 0.2, minutes: 5, memory_mib: 1500";
  write_file(here.folder / "searched.yaml",
             tiny + launcher + "}\nsearch: {sampler: random, pruner: {type: asha, first: 2, eta: 3}, trials: 3, seed: 5,\n" +
                 "  space: {optimizer.lr: {low: 1e-3, high: 1e-1, log: true}}}\n");
  fs::create_directories(here.folder / "refusing");
  write_file(here.folder / "refusing/sbatch", "#!/bin/sh\necho 'jobs may not submit jobs' >&2\nexit 1\n");
  fs::permissions(here.folder / "refusing/sbatch", fs::perms::owner_all);
  const std::string refusing = "['export PATH=" + (here.folder / "refusing").string() + ":$PATH']";
  write_file(here.folder / "tuned.yaml", tiny + launcher + ", prologue: " + refusing +
                                             "}\nlist: [net.layers=1]\ntune: {optimizer.lr: [0.001, 0.1]}\n");
  CHECK(here.sweep("searched.yaml", "store", {}, "searched.log") == 0);
  CHECK_THAT(read_file(here.folder / "searched.log"), Catch::StartsWith("3 cells submitted as "));
  CHECK(here.sweep("tuned.yaml", "tuning", {}, "tuned.log") == 0);

  // The best of three at their first rung goes on, in a job that a job has submitted.
  const Store store(here.folder / "store"), tuning(here.folder / "tuning");
  CHECK(comes_true([&] { return steps_of(store) == std::vector<int64_t>{2, 2, 4}; }));
  const fs::path waves = here.folder / "store/sweeps/searched/slurm";
  CHECK(lines_in(waves / "wave-1.tasks") == 3);
  CHECK(lines_in(waves / "wave-2.tasks") == 1);
  CHECK(lines_in(here.folder / "store/sweeps/searched.draws.jsonl") == 3);

  const fs::path waiting = here.folder / "tuning/sweeps/tuned/waiting.txt";
  REQUIRE(comes_true([&] { return fs::exists(waiting); }));
  CHECK(here.sweep("tuned.yaml", "tuning", {"--watch", "--json-lines"}, "watch") == 4);
  CHECK_THAT(read_file(here.folder / "watch"),
             Catch::EndsWith("\"exit\":4,\"status\":\"waiting\",\"why\":\"slurm: sbatch: jobs may not submit jobs\"}\n"));
  CHECK(here.sweep("tuned.yaml", "tuning", {"--dry-run"}, "plan") == 0);
  CHECK_THAT(read_file(here.folder / "plan"),
             Catch::ContainsSubstring("waiting: slurm: sbatch: jobs may not submit jobs; without --dry-run it goes on\n"));
  CHECK(here.sweep("tuned.yaml", "tuning", {}, "again.log") == 0);
  CHECK_THAT(read_file(here.folder / "again.log"), Catch::StartsWith("1 cells submitted as "));
  CHECK_FALSE(fs::exists(waiting));
  CHECK(comes_true([&] { return steps_of(tuning) == std::vector<int64_t>{4, 4, 4}; }));
  CHECK(comes_true([&] { return here.cluster.ask({"squeue", "-h", "-o", "%F"}).empty(); }));
  CHECK_FALSE(fs::exists(waiting));  // nothing was left to submit
  CHECK(here.sweep("tuned.yaml", "local", {"--launcher", "local", "--jobs", "2"}, "local.log") == 0);
  CHECK(here.table("tuned", "tuning") == here.table("tuned", "local"));
}

// Cancels the last element that waits, once another one runs and whoever waits for both has seen them; false where there
// never is one.
static bool cancel_last_waiting(const SlurmCluster& cluster) {
  std::string waiting;
  const auto is_running = [&] {
    return !cluster.ask({"squeue", "-h", "-r", "-t", "RUNNING", "-o", "%F_%K"}).empty();
  };
  if (!SlurmCluster::wait_until(is_running)) return false;
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  const auto is_there = [&] {
    return !(waiting = cluster.ask({"squeue", "-h", "-r", "-t", "PENDING", "-o", "%F_%K"})).empty();
  };
  if (!SlurmCluster::wait_until(is_there)) return false;
  waiting.pop_back();
  cluster.ask({"scancel", waiting.substr(waiting.find_last_of('\n') + 1)});
  return true;
}

TEST_CASE(
    "what is cancelled while it waits is no result: whoever waits for jobs ends without it, and the same "
    "command runs it",
    "[slurm_cluster]") {
  const Setting here;
  if (here.is_skipped()) return;
  here.write_spec("grid", "wide: net.width=48", 60);
  const Words one_by_one = {"launcher.wait=true", "--jobs", "1", "--name", "grid", "seeds=[1]"};
  Process sweep = here.start(here.sweep_words("grid.yaml", "there", one_by_one), "there.log");
  REQUIRE(cancel_last_waiting(here.cluster));
  CHECK(sweep.wait(100) == 4);
  const fs::path waves = here.folder / "there/sweeps/grid/slurm";
  CHECK_FALSE(fs::exists(waves / "wave-2.tasks"));
  const Store there(here.folder / "there");
  CHECK(there.folders().size() == 1);
  CHECK(here.sweep("grid.yaml", "there", one_by_one, "again.log") == 0);
  CHECK(lines_in(waves / "wave-2.tasks") == 1);
  CHECK(there.folders().size() == 2);
}

TEST_CASE(
    "a wave of which a waiting job is cancelled ends with the others, and the sweep waits; jobs that wait "
    "are watched",
    "[slurm_cluster]") {
  if (is_left_to_whole_runs()) return;
  const Setting here;
  if (here.is_skipped()) return;
  const auto sweep = [&](const Words& more, const std::string& log) {
    return here.sweep("tuned.yaml", "store", more, log);
  };
  write_file(here.folder / "tuned.yaml",
             "base: " + here.recipe +
                 "\nseeds: [1]\nset: [trainer.steps=4, trainer.evaluate_every=2]\nmetric: {name: valid.bpb}\n"
                 "launcher: {type: slurm, jobs: 1, poll_s: 0.2, minutes: 5, memory_mib: 1500}\n"
                 "list: [net.layers=1]\ntune: {optimizer.lr: [0.001, 0.01, 0.1]}\n");
  CHECK(sweep({}, "first.log") == 0);
  CHECK_THAT(read_file(here.folder / "first.log"), Catch::StartsWith("3 cells submitted as "));
  REQUIRE(cancel_last_waiting(here.cluster));
  const fs::path waiting = here.folder / "store/sweeps/tuned/waiting.txt";
  REQUIRE(comes_true([&] { return fs::exists(waiting); }));
  CHECK(read_file(waiting) == "Slurm: 1 of 3 jobs of the last wave were cancelled\n");
  const Store store(here.folder / "store");
  CHECK(steps_of(store) == std::vector<int64_t>{4, 4});
  CHECK(sweep({"--watch", "--json-lines"}, "watch") == 4);
  CHECK_THAT(read_file(here.folder / "watch"),
             Catch::ContainsSubstring("\"status\":\"waiting\",\"why\":\"Slurm: 1 of 3 jobs"));

  // The same command goes on. While its job is held nobody is at work, and the watch stays.
  CHECK(sweep({"launcher.options=[--hold]"}, "again.log") == 0);
  CHECK_THAT(read_file(here.folder / "again.log"), Catch::StartsWith("1 cells submitted as "));
  CHECK_FALSE(fs::exists(waiting));
  Process watch = here.start(here.sweep_words("tuned.yaml", "store", {"--watch", "--json-lines"}), "watch");
  std::this_thread::sleep_for(std::chrono::seconds(13));  // longer than a watch without jobs has patience
  const std::string held = here.cluster.ask({"squeue", "-h", "-o", "%F"});
  here.cluster.ask({"scontrol", "release", held.substr(0, held.find('\n'))});
  // The job that ends last submits the best setting's cell with the words of its command: it is held, too.
  const auto is_next_held = [&] {
    const std::string next = here.cluster.ask({"squeue", "-h", "-t", "PENDING", "-o", "%F"});
    if (next.empty() || next == held) return false;
    here.cluster.ask({"scontrol", "release", next.substr(0, next.find('\n'))});
    return true;
  };
  REQUIRE(comes_true(is_next_held));
  CHECK(watch.wait(100) == 0);
  CHECK_THAT(read_file(here.folder / "watch"), Catch::EndsWith("\"exit\":0}\n"));
  CHECK(steps_of(store) == std::vector<int64_t>{4, 4, 4, 4});
}

TEST_CASE("two hundred tasks write into one store", "[slurm_cluster]") {
  if (is_left_to_whole_runs()) return;
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
    CHECK(group_may_write(folder));
  }
}

// A cell that no job ever began, and Slurm's programs as scripts; `squeue` is the body of one of them. What it wrote to stderr,
// and how often it submitted.
struct FakeAnswer {
  std::string complaints;
  size_t submissions = 0;
};
static FakeAnswer swept_with(const std::string& program, const std::string& squeue) {
  const TestFolder folder;
  const std::string here = folder.path().string();
  const auto script = [&](const std::string& name, const std::string& body) {
    write_file(folder / "bin" / name, "#!/bin/sh\n" + body + "\n");
    fs::permissions(folder / "bin" / name, fs::perms::owner_all);
  };
  script("scontrol", "echo 'MaxArraySize = 1001'");
  script("squeue", "[ ! -e " + here + "/comments ] || " + squeue);
  script("sbatch", "cat >/dev/null; for each; do case $each in --comment=*) echo \"${each#--comment=}\" >>" + here +
                       "/comments;; esac; done; echo 7");
  write_file(folder / "one.yaml", "base: tinyshakespeare/attention\nset: [net.width=24, trainer.steps=6]\n");
  const Words words = {program, "sweep", (folder / "one.yaml").string(), "--store", here + "/store",
                       "--launcher", "slurm", "launcher.wait=true", "launcher.poll_s=0.1", "launcher.retries=2",
                       "launcher.memory_mib=900", "launcher.minutes=9"};
  const std::string path = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "";
  Process sweep = Process::of(words, {.out = folder / "out", .err = folder / "err",
                                      .environment = {"PATH=" + here + "/bin:" + path}});
  CHECK(sweep.wait(60) == 4);
  const std::string comments = read_file(folder / "comments");
  return {read_file(folder / "err"), static_cast<size_t>(std::ranges::count(comments, '\n'))};
}

TEST_CASE("a job that Slurm forgot before it began is submitted again, one that Slurm ended without a run is not",
          "[slurm]") {
  const char* program = std::getenv("SUBBAND_PROGRAM");
  if (program == nullptr || !fs::exists(program)) {
    WARN("skipped: SUBBAND_PROGRAM names no program");
    return;
  }
  const FakeAnswer forgotten = swept_with(program, "true");
  CHECK(forgotten.submissions == 3);
  CHECK_THAT(forgotten.complaints, Catch::ContainsSubstring("\n✗ base, seed 1337: refused: Slurm: LOST\n"));
  const FakeAnswer ended =
      swept_with(program, "sed 's/^/7|0|7|FAILED|NonZeroExitCode|/' ${0%/*}/../comments");
  CHECK(ended.submissions == 1);
  CHECK_THAT(ended.complaints, Catch::ContainsSubstring("\n✗ base, seed 1337: refused: Slurm: FAILED; see "));
}

}  // namespace subband::slurm_test
