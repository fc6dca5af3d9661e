// Sweeps whose cells depend on results, by the built program: killed, they go on with the same next cell; without memory,
// they compute in halves. Skipped where the program is not built.
#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <new>
#include <random>
#include <thread>

#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "core/testing/process.h"
#include "core/testing/program.h"
#include "runs/record/line_file.h"
#include "runs/store.h"
#include "runs/sweep_manifest.h"
#include "sweeps/commands.h"
#include "sweeps/testing/small_recipe.h"

namespace subband::adaptive_sweep_test {

namespace fs = std::filesystem;
using testing::Process;
using Words = std::vector<std::string>;

static Process start(Words words, const fs::path& log) {
  words.insert(words.begin(), testing::built_program());
  testing::ProcessSetting setting = testing::without_leak_check();
  setting.out = log;
  setting.err = log.string() + ".err";
  return Process::of(words, setting);
}

// Attention of a few thousand weights for eight steps; the recipe lies in `folder`.
static std::string tiny_spec(const fs::path& folder, const std::string& changes, const std::string& rest) {
  return "base: " + testing::write_small_recipe(folder, testing::small_recipe::kAttention) +
         "\nmetric: {name: valid.bpb}\nset: [trainer.steps=8, trainer.checkpoint_every=2, trainer.evaluate_every=4" + changes +
         "]\n" + rest;
}

static const std::vector<std::pair<std::string, std::string>>& adaptive_specs() {
  static const std::vector<std::pair<std::string, std::string>> kSpecs = {
      {"searched",
       "seeds: [1]\nsearch: {sampler: {type: tpe, startup: 3}, pruner: {type: asha, first: 4, eta: 2}, trials: 5, seed: 3,\n"
       "  space: {optimizer.lr: {low: 1e-4, high: 1.0, log: true}, net.layers: [1, 2]}}\n"},
      {"tuned", "seeds: [1, 2]\nlist: [net.layers=1]\ntune: {optimizer.lr: [0.001, 0.1]}\n"},
      {"claimed",
       "seeds: [1]\nablate: {no rate: optimizer.lr=1e-9}\nspend: 6\n"
       "claims: [{row: no rate, is: worse, by: 0.05, error: 0.3}]\n"}};
  return kSpecs;
}

// Everything that a sweep has left but times: its table, its drawn points and what was known of each, its runs.
static std::string traces_of(const std::string& name, const fs::path& store, const fs::path& log) {
  CHECK(start({"report", name, "--store", store.string(), "--format", "csv", "--without-cost", "--quiet"}, log).wait() == 0);
  std::string text = read_file(log);
  for (const RecordJson& line : read_line_file(sweep_file(store, name, ".draws.jsonl")))
    text += line.at("overrides").dump() + " after " + line.at("knew").dump() + "\n";
  for (const SweepCell& cell : read_sweep_manifest(sweep_file(store, name, ".json")).cells)
    text += cell.row + " " + std::to_string(cell.seed) + " " + cell.id + "\n";
  return text + std::to_string(Store(store).folders().size()) + " runs\n";
}

TEST_CASE("searches, tuned rows and open claims that are killed go on with the same next cell", "[adaptive_sweep]") {
  if (testing::lacks_program()) return;
  const TestFolder folder;
  for (const auto& [name, rest] : adaptive_specs())
    write_file(folder / (name + ".yaml"), tiny_spec(folder.path(), "", rest));
  const auto begin_all = [&](const std::string& store) {
    std::vector<Process> all;
    for (const auto& [name, rest] : adaptive_specs())
      all.push_back(start({"sweep", (folder / (name + ".yaml")).string(), "--store", (folder / (store + name)).string(),
                           "--jobs", "1", "--quiet"},
                          folder / (name + ".log")));
    return all;
  };
  for (Process& sweep : begin_all("whole ")) CHECK(sweep.wait() == 0);
  std::mt19937 random(11);  // the instants only
  const int kills = std::getenv("SUBBAND_SWEEPS_WHOLE") != nullptr ? 40 : 3;
  for (int kill = 0; kill < kills; ++kill) {
    std::vector<Process> sweeps = begin_all("killed ");
    std::this_thread::sleep_for(std::chrono::milliseconds(std::uniform_int_distribution<int>(300, 900)(random)));
    for (Process& sweep : sweeps) {
      for (const pid_t worker : sweep.children()) ::kill(worker, SIGKILL);
      sweep.signal(SIGKILL);
      sweep.wait();
    }
  }
  for (Process& sweep : begin_all("killed ")) CHECK(sweep.wait() == 0);
  for (const auto& [name, rest] : adaptive_specs()) {
    CAPTURE(name);
    const std::string whole = traces_of(name, folder / ("whole " + name), folder / "table");
    CHECK(whole.size() > 200);
    CHECK(traces_of(name, folder / ("killed " + name), folder / "table") == whole);
  }
}

TEST_CASE("a search passes over a point that cannot be bound; --force does what it drew again; a watch sees that it is over",
          "[adaptive_sweep]") {
  if (testing::lacks_program()) return;
  const TestFolder folder;
  const std::string spec = (folder / "heads.yaml").string(), store = (folder / "store").string();
  write_file(spec, tiny_spec(folder.path(), ", trainer.steps=4",
                             "seeds: [1]\nsearch: {sampler: grid, pruner: {type: asha, first: 2, eta: 2}, trials: 10,\n"
                             "  space: {net.mixer.heads: [2, 3, 4]}}\n"));
  const auto sweep = [&](const Words& more) {
    Words words = {"sweep", spec, "--store", store, "--jobs", "1"};
    words.insert(words.end(), more.begin(), more.end());
    return start(words, folder / "log").wait();
  };
  CHECK(sweep({}) == 2);
  CHECK_THAT(read_file(folder / "log.err"),
             Catch::ContainsSubstring("search.pruner: rung at step 2: must be a multiple of trainer.evaluate_every = 4; a run is "
                                      "judged by what was measured there"));
  write_file(spec, tiny_spec(folder.path(), ", trainer.steps=4, trainer.evaluate_every=2",
                             "seeds: [1]\nsearch: {sampler: grid, pruner: {type: asha, first: 2, eta: 2}, trials: 10,\n"
                             "  space: {net.mixer.heads: [2, 3, 4]}}\n"));
  CHECK(sweep({}) == 0);
  CHECK_THAT(read_file(folder / "log.err"),
             Catch::ContainsSubstring("warning: trial 1: net.mixer.heads=3 is left out: ") &&
                 Catch::ContainsSubstring("must divide width = 16"));
  CHECK(Store(store).folders().size() == 2);
  CHECK(sweep({}) == 0);
  CHECK(sweep({"--watch"}) == 0);  // one of both was pruned
  CHECK_FALSE(fs::exists(folder / "store/replaced"));
  CHECK(sweep({"--redo", "trial 0: net.mixer.heads=2"}) == 0);
  CHECK(std::distance(fs::directory_iterator(folder / "store/replaced"), {}) == 1);
  CHECK(sweep({"--force"}) == 0);
  CHECK(std::distance(fs::directory_iterator(folder / "store/replaced"), {}) == 3);
  CHECK(Store(store).folders().size() == 2);
}

// What this process and its forks may take in one piece, and took at most. Tensors come from posix_memalign.
struct PieceLimit {
  std::atomic<size_t> most = std::numeric_limits<size_t>::max(), largest = 0;
};
static PieceLimit& piece_limit() {
  static auto* const shared = new (
      ::mmap(nullptr, sizeof(PieceLimit), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) PieceLimit;
  return *shared;
}

// The command in a process of its own, whose workers are its forks.
static int sweep_here(const std::string& spec, const fs::path& store, size_t most_bytes) {
  const Words words = {spec, "--store", store.string(), "--jobs", "1", "--quiet"};
  piece_limit().most = most_bytes;
  const int code = Process::of([&] {
                     const auto* nothing = std::freopen("/dev/null", "w", stdout);
                     return nothing == nullptr ? 125 : command_sweep(words);
                   }).wait();
  piece_limit().most = std::numeric_limits<size_t>::max();
  return code;
}

TEST_CASE("a cell that lacks memory is computed in halves: the same numbers to rounding, said in its row",
          "[adaptive_sweep]") {
  if (testing::lacks_program()) return;
  const TestFolder folder;
  const std::string spec = (folder / "large.yaml").string();
  write_file(spec, tiny_spec(folder.path(), ", trainer.batch=8, net.width=32, trainer.evaluate_batches=2",
                             "seeds: [1]\non_memory: split\nablate: {small: trainer.length=16}\n"));
  piece_limit().largest = 0;
  REQUIRE(sweep_here(spec, folder / "whole", piece_limit().most) == 0);
  const size_t limit = piece_limit().largest / 4 * 3;
  CHECK(sweep_here(spec, folder / "store", limit) == 0);

  const Store whole(folder / "whole"), store(folder / "store");
  const SweepManifest planned = read_sweep_manifest(sweep_file(whole.root(), "large", ".json"));
  const SweepManifest halved = read_sweep_manifest(sweep_file(store.root(), "large", ".json"));
  CHECK(store.folders().size() == 3);
  CHECK(read_record(*store.find(planned.cells[0].id, 1) / kRecordName).status == Status::out_of_memory);
  CHECK(halved.cells[0].split == 2);
  CHECK(halved.cells[0].id != planned.cells[0].id);
  CHECK(halved.cells[1].split == 0);
  const RunRecord expected = read_record(*whole.find(planned.cells[0].id, 1) / kRecordName);
  const RunRecord run = read_record(*store.find(halved.cells[0].id, 1) / kRecordName);
  CHECK(run.status == Status::done);
  CHECK(run.config["trainer"]["split"] == 2);
  for (const char* name : {"train.loss", "valid.bpb"})
    CHECK(run.metrics.at(name) == Approx(expected.metrics.at(name)).epsilon(1e-5));
  REQUIRE(run.evaluations.size() == expected.evaluations.size());
  const Metrics &estimate = run.evaluations.front().metrics,
                &whole_one = expected.evaluations.front().metrics;
  CHECK(estimate.at("valid.loss_estimate") == Approx(whole_one.at("valid.loss_estimate")).epsilon(1e-5));
  CHECK(start({"report", "large", "--store", store.root().string(), "--quiet"}, folder / "table").wait() == 0);
  CHECK_THAT(read_file(folder / "table"), Catch::ContainsSubstring("seed 1 lacked memory: micro-batches computed in 2 parts"));
  CHECK(sweep_here(spec, store.root(), std::numeric_limits<size_t>::max()) == 0);
  CHECK(store.folders().size() == 3);  // what was computed in halves is there
}

}  // namespace subband::adaptive_sweep_test

extern "C" int posix_memalign(void** block, size_t alignment, size_t size) noexcept {
  auto& limit = subband::adaptive_sweep_test::piece_limit();
  if (size > limit.most) return ENOMEM;
  if (size > limit.largest) limit.largest = size;
  *block = ::memalign(alignment, size);
  return *block == nullptr ? ENOMEM : 0;
}
