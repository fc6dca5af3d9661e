#include "sweeps/spec/spec.h"

#include <set>

#include "core/config/yaml.h"
#include "core/error.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "core/text.h"
#include "sweeps/spec/cells.h"
#include "sweeps/spec/sweep_fields.h"

using namespace subband;

namespace spec_test {
static SweepSpec read(const std::string& text) {
  return bind_sweep("probe", config::parse_yaml(text, "probe.yaml"));
}

static std::string complaint(const std::string& text) {
  try {
    expand(read(text));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "none";
}

static std::vector<std::string> labels(const SweepGrid& grid) {
  std::vector<std::string> names;
  for (const SweepRow& row : grid.rows) names.push_back(row.label);
  return names;
}
}  // namespace spec_test
using Words = std::vector<std::string>;

TEST_CASE("an ablation has the base first and then each change alone", "[sweep]") {
  const SweepSpec spec = spec_test::read(
      "base: a/b\nseeds: [1, 2]\nset: [trainer.steps=5]\nablate:\n"
      "  fixed Haar: [net.block.lifting=haar, net.block.dilation=dyadic]\n"
      "  no bypass: net.block.bypass=none\n"
      "  attention: {recipe: a/c, set: [net.width=8]}\n");
  const SweepGrid grid = expand(spec);
  CHECK(spec_test::labels(grid) == Words{"base", "fixed Haar", "no bypass", "attention"});
  CHECK(grid.cells.size() == 8);
  CHECK(grid.cells[3].name == "fixed Haar, seed 2");
  CHECK(grid.rows[0].overrides.empty());
  CHECK(grid.rows[2].baseline == "base");
  CHECK(grid.rows[3].recipe == "a/c");
  CHECK(cell_overrides(spec, grid.rows[1], 2, {"trainer.batch=4"}) ==
        Words{"trainer.steps=5", "net.block.lifting=haar", "net.block.dilation=dyadic", "trainer.batch=4",
              "++seed=2"});
}

TEST_CASE("a sweep names columns and lines of its table", "[sweep]") {
  const SweepSpec spec = spec_test::read(
      "base: a\ncolumns: {AUC: test.auc, FLOPs: model.flops}\nlines: {majority class: 0.17, all: 1}\n");
  REQUIRE(spec.columns.size() == 2);
  CHECK(spec.columns[1].title == "FLOPs");
  CHECK(spec.columns[1].metric == "model.flops");
  REQUIRE(spec.lines.size() == 2);
  CHECK(spec.lines[0].label == "majority class");
  CHECK(spec.lines[0].value == 0.17);
  CHECK(spec.lines[1].value == 1);
  CHECK(spec_test::complaint("base: a\ncolumns: [test.auc]\nlines: {a: b}\n") ==
        "probe.yaml:2:10: columns = [\"test.auc\"]: expected a map from title to metric\n"
        "probe.yaml:3:12: lines.a = b: expected a number");
}

TEST_CASE("titles and labels of a sweep's own are those of no other column or row", "[sweep]") {
  CHECK(spec_test::complaint(
            "base: a\nmetric: {name: test.x}\ncolumns: {params: m.p, seeds: m.s, test.x: m.x, sd: m.d}\n") ==
        "probe.yaml:3:19: columns.params = m.p: is a column of every table; choose another title\n"
        "probe.yaml:3:31: columns.seeds = m.s: is a column of every table; choose another title\n"
        "probe.yaml:3:44: columns.test.x = m.x: is a column of every table; choose another title\n"
        "probe.yaml:3:53: columns.sd = m.d: is a column of every table; choose another title");
  CHECK(spec_test::complaint("base: a\nablate: {x: b.c=1}\nlines: {other: 2, x: 3, base: 1}\n") ==
        "probe.yaml:3:19: lines.x: is the name of a row; choose another label\n"
        "probe.yaml:3:25: lines.base: is the name of a row; choose another label");
}

TEST_CASE("a grid is every combination, its first key slowest", "[sweep]") {
  const SweepGrid grid =
      expand(spec_test::read("base: a\ngrid: {net.width: [8, 16], optimizer.lr: [0.1, 0.2, 1.0]}\n"));
  CHECK(spec_test::labels(grid) == Words{"net.width=8, optimizer.lr=0.1", "net.width=8, optimizer.lr=0.2",
                                         "net.width=8, optimizer.lr=1.0", "net.width=16, optimizer.lr=0.1",
                                         "net.width=16, optimizer.lr=0.2", "net.width=16, optimizer.lr=1.0"});
  CHECK(grid.rows[0].baseline.empty());
}

TEST_CASE("an ablation over a grid compares each row with the base at the same place of the grid",
          "[sweep]") {
  const SweepGrid grid = expand(spec_test::read("base: a\nablate: {x: b.c=1}\ngrid: {d: [1, 2]}\n"));
  CHECK(spec_test::labels(grid) == Words{"d=1", "d=2", "x, d=1", "x, d=2"});
  CHECK(grid.rows[3].baseline == "d=2");
  CHECK(grid.rows[3].overrides == Words{"b.c=1", "d=2"});
}

TEST_CASE("a zip takes its lists side by side and a list its entries in order", "[sweep]") {
  const SweepGrid grid =
      expand(spec_test::read("base: a\nlist: [n=1, [n=2, 'k=[1,2]'], {recipe: z}]\nzip: {w: [1, 2], recipe: "
                             "[p, q]}\nexclude: [{row: 'n=1, w=2, recipe=q'}]\n"));
  CHECK(spec_test::labels(grid) == Words{"n=1, w=1, recipe=p", "n=2, k=[1,2], w=1, recipe=p",
                                         "n=2, k=[1,2], w=2, recipe=q", "recipe=z, w=1, recipe=p",
                                         "recipe=z, w=2, recipe=q"});
  CHECK(grid.rows[2].recipe == "q");
}

TEST_CASE("cells that hold all overrides of an exclusion are left out", "[sweep]") {
  const SweepGrid grid =
      expand(spec_test::read("base: a\ngrid: {x: [1, 2], y: [1, 2]}\nexclude: [[x=1, y=2], x=2]\n"));
  CHECK(spec_test::labels(grid) == Words{"x=1, y=1"});
}

TEST_CASE("values are compared by value and shown as they were typed", "[sweep]") {
  const SweepGrid grid = expand(spec_test::read(
      "base: a\ngrid: {optimizer.lr: [1e-1, 2e-1], n: [8, 010]}\nexclude: [optimizer.lr=0.10, n=8.0]\n"));
  CHECK(spec_test::labels(grid) == Words{"optimizer.lr=2e-1, n=010"});
  CHECK(grid.rows[0].overrides == Words{"optimizer.lr=0.2", "n=10"});
  CHECK(spec_test::labels(expand(spec_test::read("base: a\nablate: {1.10: x=1, 010: x=2, 1E234: x=3}\n"))) ==
        Words{"base", "1.10", "010", "1E234"});
  const SweepSpec spec = spec_test::read("base: a\ncolumns: {1.10: m.a}\nlines: {007: 1}\n");
  CHECK(spec.columns[0].title == "1.10");
  CHECK(spec.lines[0].label == "007");
  CHECK(spec_test::complaint("base: a\nlist: [lr=1e-1, lr=0.1]\n") ==
        "probe.yaml:2:17: row 'lr=0.1': is the same cell as row 'lr=1e-1'");
  CHECK(spec_test::complaint("base: a\nseeds: [1.5e0]\nablate: 1e5\n") ==
        "probe.yaml:2:8: seeds = [1.5e0]: item 0: expected a whole number\n"
        "probe.yaml:3:9: ablate = 1e5: expected a map from row to change");
}

TEST_CASE("every mistake of a sweep is reported in one go, each with its place", "[sweep]") {
  CHECK(spec_test::complaint(
            "base: a\nseed: [1]\nmetric: {name: m, goal: less}\nseeds: [1, 1]\n"
            "ablate:\n  one: net.width\n  two: {recipes: b}\n  base: a=1\nzip: {x: [1, 2], y: [1]}\n"
            "grid: {seed: [1, 2], z: 3}\nclaims:\n  - {row: one, is: wors}\n") ==
        "probe.yaml:3:25: metric.goal = less: unknown choice; known: max, min\n"
        "probe.yaml:4:8: seeds = [1, 1]: names a seed twice\n"
        "probe.yaml:6:8: ablate.one = net.width: character 10: expected key=value; known forms: a.b=1, "
        "+a.b=1, ++a.b=1, ~a.b\n"
        "probe.yaml:7:9: ablate.two.recipes: unknown key; did you mean 'recipe'? known: match, recipe, set\n"
        "probe.yaml:8:9: ablate.base = a=1: is the name of the unchanged row\n"
        "probe.yaml:10:14: grid.seed = [1, 2]: the seeds of a sweep stand in its list `seeds`\n"
        "probe.yaml:10:25: grid.z = 3: expected a list of values\n"
        "probe.yaml:9:6: zip = {\"x\": [1, 2], \"y\": [1]}: needs lists of one length, got 2 and 1\n"
        "probe.yaml:12:20: claims.0.is = wors: unknown choice; did you mean 'worse'? known: better, equal, "
        "worse\n"
        "probe.yaml:2:1: seed: unknown key; did you mean 'seeds'? known: ablate, add, base, baseline, between, "
        "claims, columns, exclude, grid, keep, launcher, leave_one_in, lines, list, metric, on_memory, pairs, published, search, "
        "seeds, set, spend, tune, tune_by, tune_seeds, zip");
}

TEST_CASE("rows that are the same cell, idle exclusions and unknown rows are refused", "[sweep]") {
  CHECK(spec_test::complaint(
            "base: a\nablate:\n  one: x=1\n  two: x=1\nexclude: [y=1]\nclaims: [{row: ony, is: worse}]\n") ==
        "probe.yaml:5:11: exclude.0: excludes no cell\n"
        "probe.yaml:4:8: row 'two': is the same cell as row 'one'\n"
        "probe.yaml:6:10: claims: row = ony: no such row; did you mean 'one'? known: base, one, two");
  CHECK(spec_test::complaint("base: a\ngrid: {x: [1, 2]}\nbaseline: x=3\nclaims: [{row: x=1, is: worse}]\n") ==
        "probe: baseline = x=3: no such row; did you mean 'x=1'? known: x=1, x=2");
}

TEST_CASE("a claim about a row whose baseline is excluded is refused", "[sweep]") {
  CHECK(spec_test::complaint("base: a\nspend: 6\nablate: {x: b=1, y: b=2}\nexclude: [{row: base}]\n"
                             "claims: [{row: x, is: better, by: 0.001, error: 0.05}]\n") ==
        "probe.yaml:5:10: claims: row = x: has no baseline to compare with; give `baseline`");
  const SweepGrid grid = expand(spec_test::read("base: a\nablate: {x: b=1, y: b=2}\nexclude: [{row: base}]\n"));
  CHECK(grid.rows[0].baseline.empty());
}

TEST_CASE("a search takes no further values from the command line", "[sweep]") {
  SweepSpec spec = spec_test::read("base: a\nsearch: {space: {x: [1, 2]}}\n");
  spec.factors.push_back({.kind = "grid", .changes = {{.label = "y=1", .overrides = {"y=1"}},
                                                      {.label = "y=2", .overrides = {"y=2"}}}});
  CHECK_THROWS_WITH(expand(spec),
                    "probe.yaml:2:9: search: draws its rows itself; it stands alone, without several values of "
                    "y=1, y=2 on the command line; give them in search.space");
}

TEST_CASE("an override of the command line is the spec's or every cell's by its first key", "[sweep]") {
  const Words overrides = {"seeds=[1]", "trainer.steps=4", "~claims", "+net.block.x=1"};
  const SplitOverrides split = split_overrides(overrides);
  CHECK(split.spec == Words{"seeds=[1]", "~claims"});
  CHECK(split.cells == Words{"trainer.steps=4", "+net.block.x=1"});
  const Words wrong = {"trainer.steps=4", "steps"};
  CHECK_THROWS_WITH(
      split_overrides(wrong),
      "override 2 (steps): character 6: expected key=value; known forms: a.b=1, +a.b=1, ++a.b=1, ~a.b");
  const Words seed = {"seed=3"};
  CHECK_THROWS_WITH(split_overrides(seed),
                    "override 1 (seed=3): seed: the seeds of a sweep stand in its list `seeds`");
}

TEST_CASE("pairs make every two changes together that are no alternatives", "[sweep]") {
  const SweepGrid grid = expand(
      spec_test::read("base: a\npairs: true\nablate:\n  x: n.b=1\n  y: n.c=2\n  z: {recipe: r, set: n.b.d=3}\n"));
  CHECK(spec_test::labels(grid) == Words{"base", "x", "y", "z", "x + y", "y + z"});
  CHECK(grid.rows[4].overrides == Words{"n.b=1", "n.c=2"});
  CHECK(grid.rows[5].recipe == "r");
  CHECK(grid.rows[5].overrides == Words{"n.c=2", "n.b.d=3"});
  CHECK(grid.rows[5].baseline == "base");
}

TEST_CASE("leaving one in makes all changes but one, compared with all of them", "[sweep]") {
  const SweepGrid grid =
      expand(spec_test::read("base: a\nleave_one_in: true\nablate: {x: b=1, y: c=2, z: d=3}\n"));
  CHECK(spec_test::labels(grid) ==
        Words{"base", "x", "y", "z", "all changes", "all but x", "all but y", "all but z"});
  CHECK(grid.rows[4].baseline == "base");
  CHECK(grid.rows[4].overrides == Words{"b=1", "c=2", "d=3"});
  CHECK(grid.rows[6].baseline == "all changes");
  CHECK(grid.rows[6].overrides == Words{"b=1", "d=3"});
  CHECK(spec_test::complaint("base: a\nleave_one_in: true\nablate: {x: b=1, y: b.c=2, z: d=3}\n") ==
        "probe.yaml:2:15: leave_one_in = true: rows 'x' and 'y' change the same, so that they cannot be made "
        "together");
  CHECK(spec_test::complaint("base: a\npairs: true\n") ==
        "probe.yaml:2:8: pairs = true: needs changes in `ablate`");
}

TEST_CASE("added changes pile up and each row is compared with the one before", "[sweep]") {
  const SweepGrid grid = expand(spec_test::read("base: a\nadd: {x: b=1, y: c=2}\ngrid: {d: [1, 2]}\n"));
  CHECK(spec_test::labels(grid) == Words{"d=1", "d=2", "+ x, d=1", "+ x, d=2", "+ y, d=1", "+ y, d=2"});
  CHECK(grid.rows[5].overrides == Words{"b=1", "c=2", "d=2"});
  CHECK(grid.rows[5].baseline == "+ x, d=2");
  CHECK(grid.rows[3].baseline == "d=2");
}

TEST_CASE("a change without a label is called by what it changes", "[sweep]") {
  CHECK(spec_test::labels(expand(spec_test::read("base: a\nablate: [n.b=1, [n.b=2, c=3], {recipe: z}]\n"))) ==
        Words{"base", "n.b=1", "n.b=2, c=3", "recipe=z"});
}

TEST_CASE("the page of a sweep's keys has every key once, with an example that has it", "[spec]") {
  const std::string page = read_file(program_root() / "sweeps/KEYS.md");
  std::set<std::string> keys;
  for (const FieldInfo& field : sweep_fields()) keys.insert(field.path.substr(0, field.path.find('.')));
  CHECK(keys.size() > 20);
  std::set<std::string> named;
  for (const std::string& line : split(page, '\n')) {
    if (!line.starts_with("| `")) continue;
    const std::string key = line.substr(3, line.find('`', 3) - 3);
    CAPTURE(line);
    CHECK(keys.contains(key));
    CHECK(named.insert(key).second);
    CHECK(line.find("`" + key + ": ", 3) != std::string::npos);
  }
  for (const std::string& key : keys) {
    CAPTURE(key);
    CHECK(named.contains(key));
  }
  for (const char* inner : {"error: ", "pruner: ", "sampler: ", "space: "}) CHECK(page.find(inner) != std::string::npos);
}
