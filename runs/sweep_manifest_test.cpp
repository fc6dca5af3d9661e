#include "runs/sweep_manifest.h"

#include <cmath>
#include <limits>
#include <set>

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
      .lines = {{"majority class", 0.17}},
      .remarks = {{"no bypass", "heads 6→4"}},
      .code = {{"mixer:mean", "11"}}};
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
  CHECK(back.remarks.at(0).row == "no bypass");
  CHECK(back.remarks.at(0).text == "heads 6→4");
  CHECK(back.code == sweep.code);
  CHECK(read_sweep_manifests(scratch.path()).sweeps.size() == 1);
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
  CHECK(read_sweep_manifests(scratch.path()).sweeps.empty());
}

static SweepManifest named(const std::string& name) {
  return {.name = name, .spec = name + ".yaml", .metric = "valid.bpb", .seeds = {1}};
}

TEST_CASE("only manifests are taken for manifests, and a damaged one hides no other", "[sweep_manifest]") {
  const testing::Scratch scratch;
  write_sweep_manifest(scratch.path(), named("whole"));
  write_file(scratch / "sweeps/whole.table.json", R"({"title": "whole", "rows": [], "notes": []})");
  write_file(scratch / "sweeps/list.json", "[1, 2]");
  write_file(scratch / "sweeps/half.json", read_file(scratch / "sweeps/whole.json").substr(0, 60));
  write_file(scratch / "sweeps/empty.json", "");
  write_file(scratch / "sweeps/whole before.json", read_file(scratch / "sweeps/whole.json"));
  std::filesystem::create_symlink("nowhere", scratch / "sweeps/link.json");
  std::filesystem::create_directory(scratch / "sweeps/folder.json");
  const ManifestReading reading = read_sweep_manifests(scratch.path());
  REQUIRE(reading.sweeps.size() == 1);
  CHECK(reading.sweeps[0].name == "whole");
  const std::string place = (scratch / "sweeps").string() + "/";
  const std::string damaged = ": sweep manifest: is damaged; run the sweep again to write it anew; left out";
  CHECK(reading.notices ==
        std::vector<std::string>{
            place + "empty.json" + damaged, place + "folder.json: cannot be read: Is a directory; left out",
            place + "half.json" + damaged,
            place + "link.json: cannot be read: is a link to nowhere, where nothing lies; left out",
            place + "whole before.json: sweep manifest: is a copy of whole.json; left out"});
}

TEST_CASE("sweeps whose names differ have files that differ", "[sweep_manifest]") {
  const testing::Scratch scratch;
  for (const std::string name : {"x/y", "x-y", "x-y~2", "plain"})
    write_sweep_manifest(scratch.path(), named(name));
  for (int round = 0; round < 2; ++round) {
    std::set<std::filesystem::path> files;
    for (const std::string name : {"x/y", "x-y", "x-y~2", "plain"}) {
      files.insert(sweep_file(scratch.path(), name, ".svg"));
      CHECK(read_sweep_manifest(sweep_file(scratch.path(), name, ".json")).name == name);
    }
    CHECK(files.size() == 4);
    for (const std::string name : {"x-y", "x/y"}) write_sweep_manifest(scratch.path(), named(name));
  }
  CHECK(read_sweep_manifests(scratch.path()).sweeps.size() == 4);
  CHECK(sweep_file(scratch.path(), "x/y", ".json").filename() == "x-y.json");
}

TEST_CASE("a line may be no number, and comes back as it was", "[sweep_manifest]") {
  const testing::Scratch scratch;
  SweepManifest sweep = named("lines");
  sweep.lines = {{"above all", std::numeric_limits<double>::infinity()}, {"none", std::nan("")}};
  write_sweep_manifest(scratch.path(), sweep);
  const SweepManifest back = read_sweep_manifest(scratch / "sweeps/lines.json");
  CHECK(back.lines[0].value == std::numeric_limits<double>::infinity());
  CHECK(std::isnan(back.lines[1].value));
}

TEST_CASE("two files of one name are two sweeps, and one file stays one", "[sweep_manifest]") {
  const testing::Scratch scratch;
  const auto run = [&](const std::string& spec) {
    const std::string name = sweep_name(scratch.path(), spec);
    SweepManifest sweep = named(name);
    sweep.spec = spec;
    if (spec.ends_with(".yaml")) sweep.file = std::filesystem::absolute(spec);
    write_sweep_manifest(scratch.path(), sweep);
    return name;
  };
  for (const char* file : {"a/lr.yaml", "b/lr.yaml", "c/b/lr.yaml"}) write_file(scratch / file, "");
  for (int round = 0; round < 2; ++round) {
    CHECK(run((scratch / "a/lr.yaml").string()) == "lr");
    CHECK(run((scratch / "b/lr.yaml").string()) == "b/lr");
    CHECK(run((scratch / "c/../c/b/lr.yaml").string()) == "c/b/lr");
    CHECK(run("lr") == "sweeps/lr");
    CHECK(run("wersa/listops") == "wersa/listops");
  }
  CHECK(read_sweep_manifests(scratch.path()).sweeps.size() == 5);
  std::filesystem::rename(scratch / "a",
                          scratch / "moved");  // no longer there: the same sweep from another place
  CHECK(run((scratch / "moved/lr.yaml").string()) == "lr");
}

TEST_CASE("a long name has files that a folder can hold, and no other name's", "[sweep_manifest]") {
  const testing::Scratch scratch;
  std::set<std::filesystem::path> files;
  for (const std::string end : {"a", "b"}) {
    const std::string name = std::string(250, 'n') + end;
    write_sweep_manifest(scratch.path(), named(name));
    files.insert(sweep_file(scratch.path(), name, ".json"));
    write_file(sweep_file(scratch.path(), name, ".html"), "");
  }
  CHECK(files.size() == 2);
  CHECK(read_sweep_manifests(scratch.path()).sweeps.size() == 2);
}

}  // namespace subband::sweep_manifest_test
