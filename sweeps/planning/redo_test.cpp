#include "sweeps/planning/redo.h"

#include "core/config/yaml.h"
#include "core/error.h"
#include "core/testing/catch.h"

namespace subband::redo_test {

// The identity of a row: its recipe and overrides; its code: those, too.
static PreparedRow prepare(const std::string& recipe, const std::vector<std::string>& overrides) {
  PreparedRow row{.id = recipe};
  for (const std::string& each : overrides)
    if (each.find("seed=") == std::string::npos) row.id += " " + each;
  if (row.id.find("x=3") != std::string::npos) throw ConfigError("x", "x = 3: is refused", "bad_value");
  row.code = {{"mixer:a", "22"}};
  return row;
}

static RunSummary run(const std::string& id, int64_t seed, const std::string& digest = "22",
                      Status status = Status::done) {
  return {.folder = id + std::to_string(seed), .id = id, .seed = seed, .status = status, .code = {{"mixer:a", digest}}};
}

static SweepPlan plan_of(const std::vector<RunSummary>& runs) {
  const std::string spec =
      "base: a\nseeds: [1]\nablate: {y: y=1}\nspend: 9\nclaims: [{row: y, is: worse, by: 1, error: 0.1}]\n";
  return make_plan(bind_sweep("s", config::parse_yaml(spec, "s.yaml")), {}, prepare, runs);
}

// The plan's own cells, those of further seeds, drawn points, one of them refused by now, and a row that is another now.
static SweepManifest earlier() {
  return {.name = "s",
          .cells = {{.row = "base", .seed = 1, .id = "a"},
                    {.row = "y", .seed = 1, .id = "a y=1"},
                    {.row = "y", .seed = 2, .id = "a y=1", .overrides = {"y=1"}},
                    {.row = "trial 0: x=2", .seed = 1, .id = "a x=2", .overrides = {"x=2"}},
                    {.row = "trial 1: x=3", .seed = 1, .id = "a x=3", .overrides = {"x=3"}},
                    {.row = "halved", .seed = 1, .id = "b x=1 trainer.split=2", .overrides = {"recipe=b", "x=1"}, .split = 2},
                    {.row = "old", .seed = 1, .id = "of another spec", .overrides = {"x=5"}}}};
}

static std::string taken(const RedoChoice& choice) {
  std::vector<RunSummary> runs = {run("a", 1),     run("a y=1", 1), run("a y=1", 2, "11"),           run("a x=2", 1),
                                  run("a x=3", 1), run("other", 1), run("b x=1 trainer.split=2", 1), run("of another spec", 1)};
  SweepPlan plan = plan_of(runs);
  const auto added = added_cells(plan, earlier(), prepare);
  choose_again(plan, choice, added);
  const size_t all = runs.size();
  std::string folders;
  for (const RunSummary& each : take_again(added, choice, runs)) {
    folders += each.folder + "; ";
    CHECK(std::ranges::find(runs, each.folder, &RunSummary::folder) == runs.end());
  }
  CHECK(runs.size() + static_cast<size_t>(std::ranges::count(folders, ';')) == all);
  return folders;
}

TEST_CASE("what a queue added is done again where it is asked for, and only what it would be again", "[redo]") {
  CHECK(taken({}).empty());
  CHECK(taken({.all = true}) == "a y=12; a x=21; b x=1 trainer.split=21; ");
  CHECK(taken({.other_code = true}) == "a y=12; ");
  CHECK(taken({.row = "y"}) == "a y=12; ");
  CHECK(taken({.row = "trial 0: x=2"}) == "a x=21; ");
  CHECK_THROWS_WITH(taken({.row = "trial 2"}), Catch::StartsWith("command line: --redo = trial 2: no such row"));
}

TEST_CASE("runs that were seen are those of any status, of cells that a queue added and of cells that were once", "[redo]") {
  CHECK(seen_runs(plan_of({}), {}, {}) == 0);
  CHECK(seen_runs(plan_of({}), {}, {run("a", 1, "22", Status::stopped), run("a", 2), run("other", 1)}) == 1);
  CHECK(seen_runs(plan_of({}), earlier(), {run("a", 1), run("a y=1", 2), run("of another spec", 1), run("other", 1)}) == 3);
}

}  // namespace subband::redo_test
