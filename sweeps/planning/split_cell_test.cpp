#include "sweeps/planning/split_cell.h"

#include "core/config/yaml.h"
#include "core/testing/catch.h"
#include "core/text.h"
#include "sweeps/planning/cell_task.h"
#include "sweeps/planning/packing.h"

namespace subband::split_cell_test {

// Identities are overrides without the seed; batches are of three windows.
static PreparedRow prepared(const std::string& recipe, const std::vector<std::string>& overrides) {
  PreparedRow row{.id = recipe};
  config::Node trainer = config::Node::map();
  trainer.set("batch", config::Node(int64_t{3}));
  for (const std::string& each : overrides) {
    if (!each.starts_with("++seed")) row.id += " " + each;
    if (each.starts_with("trainer.split=")) trainer.set("split", config::Node(*parse_integer(each.substr(14))));
  }
  row.resolved = config::Node::map();
  row.resolved.set("trainer", std::move(trainer));
  row.recipe = std::make_shared<const config::Node>(row.resolved);
  return row;
}

static RunSummary run_of(const std::string& id, Status status) {
  return {.folder = "f", .id = id, .seed = 1, .status = status};
}

static SweepPlan plan_of(const std::string& more, const std::vector<RunSummary>& runs) {
  return make_plan(bind_sweep("s", config::parse_yaml("base: a\nseeds: [1]\nablate: {x: x=1}\n" + more, "s.yaml")), {},
                   prepared, runs);
}

TEST_CASE("a run that lacked memory is planned in halves, under an identity of its own, where the spec says so",
          "[split]") {
  const std::vector<RunSummary> whole = {run_of("a", Status::out_of_memory), run_of("a x=1", Status::done)};
  const SweepPlan recorded = plan_of("", whole);
  CHECK(recorded.cells[0].id == "a");
  CHECK(recorded.cells[0].split == 0);

  const SweepPlan plan = plan_of("on_memory: split\n", whole);
  CHECK(plan.cells[0].id == "a trainer.split=2");
  CHECK(plan.cells[0].state == Status::fresh);
  CHECK(plan.cells[1].split == 0);
  CHECK(plan.cells[1].state == Status::reused);
  const SweepManifest manifest = manifest_of(plan, "");
  CHECK(manifest.cells[0].split == 2);
  CHECK(manifest.cells[0].overrides.empty());  // it is the same row
  const CellTask task = task_of(plan, 0);
  CHECK(task.id == "a trainer.split=2");
  CHECK(task.overrides.back() == "trainer.split=2");
  CHECK(task.config->at("trainer.split")->integer() == 2);
  CHECK_THAT(plan_text(plan, {.jobs = 1}), Catch::ContainsSubstring("2 parts for memory\n"));
}

TEST_CASE("halves are halved again, down to single windows, and then lack of memory is the result", "[split]") {
  std::vector<RunSummary> runs = {run_of("a", Status::out_of_memory), run_of("a trainer.split=2", Status::out_of_memory)};
  CHECK(plan_of("on_memory: split\n", runs).cells[0].id == "a trainer.split=3");
  runs.push_back(run_of("a trainer.split=3", Status::out_of_memory));
  SweepPlan plan = plan_of("on_memory: split\n", runs);
  CHECK(plan.cells[0].id == "a trainer.split=3");
  CHECK(plan.cells[0].state == Status::retry);
  CHECK_FALSE(split_cell(plan, 0, prepared, runs));
  plan = plan_of("on_memory: split\nset: [trainer.split=2]\n", {run_of("a trainer.split=2", Status::out_of_memory)});
  CHECK(plan.cells[0].split == 3);  // from what the spec itself says
}

}  // namespace subband::split_cell_test
