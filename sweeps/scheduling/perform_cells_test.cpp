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
  PlannedCell planned(const PreparedRow& row, int64_t seed) const {
    return {.cell = {.seed = seed}, .id = row.id, .recipe = row.recipe, .data = row.data};
  }
  CellOutcome perform(const PlannedCell& cell) const {
    WorkerLink link(-1, ::getppid());
    return perform_cell(source, recipe.string(), cell, store, link);
  }
};

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

TEST_CASE("a row whose values come from the seed says so", "[perform_cells]") {
  Bench plain, asking("seed: 1\nsamples: {prompt: 'seed ${seed}', tokens: 1}\n");
  CHECK_FALSE(RowBinder(plain.source).prepare(plain.recipe.string(), {}).asks_for_seed);
  CHECK(RowBinder(asking.source).prepare(asking.recipe.string(), {}).asks_for_seed);
}

}  // namespace subband::perform_cells_test
