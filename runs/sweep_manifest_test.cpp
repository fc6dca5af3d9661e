#include "runs/sweep_manifest.h"

#include "core/error.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "runs/testing/scratch.h"

namespace subband::sweep_manifest_test {

TEST_CASE("a sweep manifest reads back as what was written", "[sweep_manifest]") {
  const testing::Scratch scratch;
  const SweepManifest sweep{
      .name = "demo/quick",
      .spec = "sweeps/quick.yaml",
      .metric = "valid.bpb",
      .goal = "min",
      .baseline = "baseline",
      .seeds = {1337, 1338},
      .cells = {{"baseline", 1337, "ab", {}}, {"no bypass", 1338, "cd", {"a.b=none", "~c"}}},
      .columns = {{"AUC", "test.auc"}},
      .lines = {{"majority class", 0.17}}};
  write_sweep_manifest(scratch.path(), sweep);
  const SweepManifest back = read_sweep_manifest(scratch / "sweeps/demo-quick.json");
  CHECK(back.name == sweep.name);
  CHECK(back.spec == sweep.spec);
  CHECK(back.metric == sweep.metric);
  CHECK(back.goal == sweep.goal);
  CHECK(back.baseline == sweep.baseline);
  CHECK(back.seeds == sweep.seeds);
  REQUIRE(back.cells.size() == 2);
  CHECK(back.cells[1].row == "no bypass");
  CHECK(back.cells[1].seed == 1338);
  CHECK(back.cells[1].id == "cd");
  CHECK(back.cells[1].overrides == std::vector<std::string>{"a.b=none", "~c"});
  CHECK(back.columns.at(0).metric == "test.auc");
  CHECK(back.lines.at(0).label == "majority class");
  CHECK(back.lines.at(0).value == 0.17);
  CHECK(read_sweep_manifests(scratch.path()).size() == 1);
}

TEST_CASE("a damaged sweep manifest is named", "[sweep_manifest]") {
  const testing::Scratch scratch;
  const auto file = scratch / "sweeps/broken.json";
  write_file(file, "{\"name\": 3");
  CHECK_THROWS_WITH(read_sweep_manifest(file),
                    file.string() + ": sweep manifest: is damaged; run the sweep again to write it anew");
}

TEST_CASE("a store without sweeps has none", "[sweep_manifest]") {
  const testing::Scratch scratch;
  CHECK(read_sweep_manifests(scratch.path()).empty());
}

}  // namespace subband::sweep_manifest_test
