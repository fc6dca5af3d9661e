#include "sweeps/scheduling/perform_cells.h"

#include <torch/torch.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "core/config/compose.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/parts.h"
#include "sweeps/spec/cells.h"

namespace subband::perform_cells_test {

namespace fs = std::filesystem;

// A recipe of two steps over a file in the folder, and what plans and performs it.
struct Bench {
  TestFolder folder;
  Registry registry;
  Store store{folder / "logs"};
  CellSource source;
  fs::path recipe = folder / "recipe.yaml";

  explicit Bench(const std::string& more = "") {
    register_parts(registry);
    std::string text;
    for (int i = 0; i < 400; ++i) text += static_cast<char>('a' + i * i % 7);
    write_file(folder / "text.txt", text);
    write_recipe(more);
    source = {.registry = &registry,
              .folders = config::standard_folders(program_root(), registry.groups(), {}),
              .command_line = {}};
  }
  void write_recipe(const std::string& more) const {
    const std::string file = (folder / "text.txt").string();
    write_file(recipe,
               "data:\n  type: text\n  name: own\n  splits:\n    train: {files: ['" + file +
                   "'], to: 0.6}\n    valid: {files: ['" + file +
                   "'], from: 0.6}\nnet: {type: decoder_lm, width: 8, layers: 1, mixer: linear_attention}\n"
                   "optimizer: adamw\nschedule: constant\n"
                   "trainer: {steps: 2, batch: 1, length: 8, protocols: [blocks]}\n" +
                   more);
  }
  // Every row says that its data are missing, not the first alone.
  void expect_missing_twice() const {
    fs::remove(folder / "text.txt");
    RowBinder binder(source);
    for (const char* width : {"net.width=8", "net.width=16"}) {
      const PreparedRow row = binder.prepare(recipe.string(), {width});
      CHECK(row.id.empty());
      CHECK_THAT(row.missing, Catch::ContainsSubstring("text.txt"));
      CHECK(row.parameters > 0);
    }
  }
  CellTask planned(const PreparedRow& row, int64_t seed) const {
    config::Node composed = *row.recipe;
    composed.set("seed", config::Node(seed));
    return {.sweep = "probe",
            .row = "base",
            .seed = seed,
            .id = row.id,
            .recipe = recipe.string(),
            .data = row.data,
            .config = std::make_shared<const config::Node>(composed)};
  }
  // As a launcher elsewhere would: from the file.
  CellOutcome perform(const CellTask& task, std::optional<int64_t> until = {}) const {
    const CellTask read = read_task(write_task(folder / "sweep", task));
    return perform_cell(source, read, store, {.until = until});
  }
};

TEST_CASE("every row whose data are missing is prepared all the same", "[perform_cells]") {
  Bench().expect_missing_twice();
}

TEST_CASE("a recipe that was edited after the plan is trained as it was planned", "[perform_cells]") {
  Bench bench;
  RowBinder binder(bench.source);
  const PreparedRow row = binder.prepare(bench.recipe.string(), {"seed=3"});
  write_file(bench.recipe, "net: {type: nothing}\n");
  CHECK(bench.perform(bench.planned(row, 4)).status == Status::done);
  const auto found = bench.store.find(row.id, 4);
  REQUIRE(found);
  CHECK(read_record(*found / kRecordName).config["net"]["type"] == "decoder_lm");
  CHECK(read_record(*found / kRecordName).config["seed"] == 4);
}

TEST_CASE("what a plan reads of the clock is what its workers train", "[perform_cells]") {
  Bench bench;
  write_file(bench.recipe, read_file(bench.recipe) + "samples: {tokens: 0}\n");
  const std::string clock = "optimizer.lr='${oc.decode:${now:0.0%S1}}'";
  RowBinder binder(bench.source);
  const PreparedRow row = binder.prepare(bench.recipe.string(), {clock});
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  CHECK(binder.identify(bench.recipe.string(), {clock}) != row.id);  // another second
  CHECK(bench.perform(bench.planned(row, 5)).status == Status::done);
  CHECK(bench.store.find(row.id, 5));
}

TEST_CASE("data that were changed since the plan are refused by name before the first step",
          "[perform_cells]") {
  Bench bench;
  RowBinder binder(bench.source);
  const PreparedRow row = binder.prepare(bench.recipe.string(), {});
  write_file(bench.folder / "text.txt", read_file(bench.folder / "text.txt") + "more");
  const std::string file = (bench.folder / "text.txt").string();
  CHECK_THROWS_WITH(bench.perform(bench.planned(row, 5)),
                    Catch::StartsWith("data: " + file + ": sha256 = ") &&
                        Catch::ContainsSubstring(" when the sweep was planned; put it back"));
  CHECK_FALSE(bench.store.find(row.id, 5));
}

TEST_CASE("a run paused at steps ends with the record of one that was not, and never passes its step",
          "[perform_cells]") {
  Bench bench("seed: 1\nsamples: {tokens: 0}\n");
  RowBinder binder(bench.source);
  const PreparedRow row = binder.prepare(bench.recipe.string(), {"trainer.steps=6"});
  const CellTask task = bench.planned(row, 4), whole = bench.planned(row, 4);
  for (const int64_t until : {2, 2, 5}) {
    const CellOutcome outcome = bench.perform(task, until);
    CHECK(outcome.status == Status::stopped);
    CHECK(outcome.is_paused);
    const RunRecord run = read_record(*bench.store.find(row.id, 4) / kRecordName);
    CHECK(run.step == until);
    CHECK(run.status == Status::stopped);
  }
  CHECK(bench.perform(task, 6).status == Status::done);
  const RunRecord paused = read_record(*bench.store.find(row.id, 4) / kRecordName);
  const Store other(bench.folder / "other");
  CHECK(perform_cell(bench.source, whole, other, CellSurroundings{}).status == Status::done);
  const RunRecord through = read_record(*other.find(row.id, 4) / kRecordName);
  CHECK(paused.metrics.at("valid.loss") == through.metrics.at("valid.loss"));
}

TEST_CASE("files beside a recipe are found by a task that lies elsewhere", "[perform_cells]") {
  Bench bench;
  std::string text = read_file(bench.recipe);
  const std::string own = (bench.folder / "text.txt").string();
  for (size_t at = text.find(own); at != std::string::npos; at = text.find(own))
    text.replace(at, own.size(), "text.txt");
  write_file(bench.recipe, text);
  RowBinder binder(bench.source);
  const PreparedRow row = binder.prepare(bench.recipe.string(), {});
  CHECK(bench.perform(bench.planned(row, 4)).status == Status::done);
}

TEST_CASE("a task says in its file all that its run needs", "[perform_cells]") {
  Bench bench;
  RowBinder binder(bench.source);
  const PreparedRow row = binder.prepare(bench.recipe.string(), {});
  CellTask task = bench.planned(row, 4);
  task.needs = {.threads = 2, .devices = 1, .memory_mib = 310.5, .seconds = 95};
  task.overrides = {"a=1", "b='x: y'"};
  const fs::path file = write_task(bench.folder / "sweep", task);
  CHECK(file == bench.folder / "sweep/tasks" / (row.id.substr(0, 16) + "-s4.yaml"));
  const CellTask read = read_task(file);
  CHECK(task_text(read) == task_text(task));
  CHECK(*read.config == *task.config);
  CHECK(*read.data == *task.data);
  CHECK(read.needs.memory_mib == 310.5);
  write_file(file, "sweep: x\n");
  CHECK_THROWS_WITH(read_task(file), file.string() + ": task: needs: is missing or of another kind");
}

TEST_CASE("a row whose values come from the seed says so", "[perform_cells]") {
  Bench plain, asking("seed: 1\nsamples: {prompt: 'seed ${seed}', tokens: 1}\n");
  CHECK_FALSE(RowBinder(plain.source).prepare(plain.recipe.string(), {}).asks_for_seed);
  CHECK(RowBinder(asking.source).prepare(asking.recipe.string(), {}).asks_for_seed);
}

}  // namespace subband::perform_cells_test
