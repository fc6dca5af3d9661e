// What a large store costs, and the launch of a cell. Hidden: sweeps/check_speed.py runs it, with Hydra's launcher beside it.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "core/config/compose.h"
#include "core/config/yaml.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "core/testing/process.h"
#include "core/testing/program.h"
#include "experiments/parts.h"
#include "runs/conduct.h"
#include "runs/other_code.h"
#include "runs/record/record_line.h"
#include "sweeps/scheduling/perform_cells.h"
#include "sweeps/scheduling/scheduler.h"
#include "sweeps/spec/cells.h"

namespace subband::speed_test {

namespace fs = std::filesystem;
using testing::Process;

template <class Body>
static double seconds_of(const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The middle of five, after one that warms up.
template <class Body>
static double usual_seconds(const Body& body) {
  body();
  std::vector<double> all;
  for (int i = 0; i < 5; ++i) all.push_back(seconds_of(body));
  std::ranges::sort(all);
  return all[2];
}

// Rates x widths x limits of the gradient: no two of ten thousand cells are the same run.
static std::string large_spec(int of_rates = 100) {
  std::string rates, widths, limits;
  for (int i = 1; i <= of_rates; ++i) rates += (i > 1 ? ", " : "") + std::to_string(i * 1e-4);
  for (int i = 1; i <= 10; ++i) widths += (i > 1 ? ", " : "") + std::to_string(i * 8);
  for (int i = 1; i <= 10; ++i) limits += (i > 1 ? ", " : "") + std::to_string(i * 0.1);
  return "base: tinyshakespeare/wavelet\nmetric: {name: valid.bpb}\nseeds: [1]\ngrid: {optimizer.lr: [" + rates +
         "], net.width: [" + widths + "], trainer.clip_norm: [" + limits + "]}\n";
}

// A run that is done, as its record tells it.
static void write_run(const fs::path& store, const PreparedRow& row, double result) {
  const fs::path folder = store / ("2026-01-01_tinyshakespeare-wavelet_" + row.id.substr(0, 8) + "-s1");
  fs::create_directories(folder);
  RecordJson metrics;
  for (const char* name : {"valid.bpb", "valid.loss", "valid.ppl", "valid.bpb_sliding", "valid.loss_sliding", "test.bpb",
                           "test.loss", "test.ppl", "train.loss", "train.seconds", "train.tokens", "train.tokens_per_s",
                           "train.peak_mib", "train.peak_tensors_mib", "model.parameters", "model.flops"})
    metrics[name] = result;
  std::ofstream(folder / kRecordName) << sealed_line({{"seq", 0},
                                                      {"time", 0},
                                                      {"event", "start"},
                                                      {"id", row.id},
                                                      {"recipe", "tinyshakespeare/wavelet"},
                                                      {"seed", 1},
                                                      {"config", read_json(config::to_json(row.resolved), "config")},
                                                      {"provenance", {{"code", part_code_json(row.code)}}}})
                                      << sealed_line({{"seq", 1},
                                                      {"time", 20},
                                                      {"event", "end"},
                                                      {"status", "done"},
                                                      {"step", 400},
                                                      {"metrics", metrics}});
}

static void fill_store(const fs::path& store, const SweepSpec& spec) {
  Registry registry;
  register_parts(registry);
  const CellSource source{.registry = &registry,
                          .folders = config::standard_folders(program_root(), registry.groups(), {}),
                          .command_line = {}};
  RowBinder binder(source);
  double result = 2;
  for (const SweepRow& row : expand(spec).rows)
    write_run(store, binder.prepare(row.recipe, cell_overrides(spec, row, 1, {})), result += 1e-4);
}

TEST_CASE("in a store of ten thousand runs a plan takes less than 2 s, a list of them less than 200 ms", "[.check-speed]") {
  REQUIRE_FALSE(testing::built_program().empty());
  const TestFolder folder;
  const fs::path spec = folder / "large.yaml", store = folder / "store";
  write_file(spec, large_spec());
  fill_store(store, bind_sweep("large", config::read_yaml(spec)));
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.begin(), testing::built_program());
    words.insert(words.end(), {"--store", store.string()});
    CHECK(Process::of(words, {.out = folder / "out"}).wait() == 0);
  };
  const double first = seconds_of([&] { run({"runs", "list"}); });
  const double list = usual_seconds([&] { run({"runs", "list"}); });
  const std::string listed = read_file(folder / "out");
  CHECK(std::ranges::count(listed, '\n') > 10'000);
  write_file(folder / "some.yaml", large_spec(10));
  const double plan = usual_seconds([&] { run({"sweep", (folder / "some.yaml").string(), "--dry-run"}); });
  CHECK_THAT(read_file(folder / "out"), Catch::ContainsSubstring("\n1000 cells: 1000 reused; nothing to run"));
  const double whole = seconds_of([&] { run({"sweep", spec.string(), "--dry-run"}); });
  CHECK_THAT(read_file(folder / "out"), Catch::ContainsSubstring("\n10000 cells: 10000 reused; nothing to run"));
  std::cout << "10,000 runs: `runs list` for the first time " << first * 1e3 << " ms, then " << list * 1e3
            << " ms; `sweep --dry-run` of 1,000 cells " << plan << " s, of all " << whole << " s\n";
  CHECK(list < 0.2);
  CHECK(plan < 2);
}

// A cell that computes nothing and leaves a record, as every run does.
static CellOutcome recorded_nothing(size_t cell, const Store& store) {
  const RunPlan plan{.start = {.id = sha256_hex("cell " + std::to_string(cell)),
                               .recipe = "nothing",
                               .seed = 1,
                               .config = RecordJson::object(),
                               .parts = RecordJson::object(),
                               .data = RecordJson::object(),
                               .provenance = RecordJson::object()},
                     .resolved = config::Node::map()};
  const RunResult result = conduct(plan, store, {}, [](const fs::path&, Observer& observer) {
    observer.started(1, 0);
    return Outcome{.status = Status::done, .step = 0, .message = ""};
  });
  return {.status = result.outcome.status, .message = {}};
}

// Milliseconds a cell, one after the other, in a process of its own that has LibTorch.
static double launch_ms(size_t cells, const RunCell& cell) {
  return 1e3 / static_cast<double>(cells) * seconds_of([&] {
           FixedQueue queue(cells);
           CellBook book;
           ScheduleObserver none;
           run_cells(queue, book, cell, {.jobs = 1}, none);
         });
}

TEST_CASE("the launch of a cell that computes nothing is measured", "[.check-speed]") {
  const TestFolder folder;
  const auto measured = [&](const std::string& name, const RunCell& cell) {
    Process::of([&] {
      launch_ms(20, cell);
      write_file(folder / name, std::to_string(launch_ms(200, cell)));
      return 0;
    }).wait();
    return read_file(folder / name);
  };
  const Store store(folder / "store");
  const std::string bare = measured("bare", [](const CellTurn&, WorkerLink&) { return CellOutcome{}; });
  const std::string recorded =
      measured("recorded", [&](const CellTurn& turn, WorkerLink&) { return recorded_nothing(turn.cell, store); });
  CHECK(store.folders().size() == 200);
  std::cout << "launch of a trivial cell: " << bare << " ms, with a record in the store " << recorded << " ms\n";
  if (const char* out = std::getenv("SUBBAND_SPEED_OUT"); out != nullptr) write_file(out, bare + "\n" + recorded + "\n");
}

}  // namespace subband::speed_test
