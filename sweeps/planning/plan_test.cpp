#include "sweeps/planning/plan.h"

#include "sweeps/planning/packing.h"
#include "sweeps/planning/redo.h"

#include <algorithm>
#include <set>

#include "core/config/yaml.h"
#include "core/error.h"
#include "core/languages/terminal.h"
#include "core/testing/catch.h"
#include "core/text.h"

using namespace subband;

namespace plan_test {

static SweepSpec spec_of(const std::string& text) {
  return bind_sweep("probe", config::parse_yaml(text, "probe.yaml"));
}

// A row's identity is its overrides without the seed; `bad…` is refused.
static PreparedRow prepare(const std::string& recipe, const std::vector<std::string>& overrides) {
  PreparedRow row{.id = recipe, .parameters = 1000};
  std::vector<Problem> problems;
  for (const std::string& each : overrides) {
    if (each.starts_with("bad")) problems.push_back({"override", each + ": no such key", "unknown_key"});
    if (!each.starts_with("++seed") && each != "idle=1") row.id += " " + each;
  }
  row.tokens = 10 * 2 * 5;
  if (!problems.empty()) throw ConfigError(problems);
  return row;
}

static RunSummary run(const std::string& id, int64_t seed, Status status) {
  return {.folder = "f",
          .id = id,
          .seed = seed,
          .status = status,
          .parameters = 500,
          .seconds = 5,
          .metrics = {{"train.peak_mib", 70}},
          .config = R"({"trainer":{"steps":10,"batch":2,"length":5}})"};
}

}  // namespace plan_test

TEST_CASE("a plan says of every cell whether it is there, goes on or is new", "[plan]") {
  using plan_test::run;
  const SweepPlan plan = make_plan(
      plan_test::spec_of("base: a\nseeds: [1, 2]\nablate: {x: x=1, y: y=1}\n"), {}, plan_test::prepare,
      {run("a", 1, Status::done), run("a", 2, Status::nan), run("a x=1", 1, Status::interrupted),
       run("a x=1", 2, Status::failed), run("a y=1", 1, Status::running)});
  std::vector<Status> states;
  for (const PlannedCell& cell : plan.cells) states.push_back(cell.state);
  CHECK(states == std::vector<Status>{Status::reused, Status::reused, Status::resume, Status::retry,
                                      Status::running, Status::fresh});
}

TEST_CASE("a plan grows by further seeds and rows, each once", "[plan]") {
  const std::vector<RunSummary> runs = {plan_test::run("a x=2", 5, Status::done)};
  SweepPlan plan =
      make_plan(plan_test::spec_of("base: a\nseeds: [1]\nablate: {x: x=1}\n"), {}, plan_test::prepare, runs);
  const SweepRow x = plan.grid.rows[1];
  CHECK(add_cell(plan, x, 1, plan_test::prepare, runs) == 1);
  CHECK(add_cell(plan, x, 2, plan_test::prepare, runs) == 2);
  CHECK(add_cell(plan, x, 2, plan_test::prepare, runs) == 2);
  CHECK(plan.cells[2].cell.name == "x, seed 2");
  CHECK(plan.cells[2].id == "a x=1");
  const SweepRow drawn{.label = "draw 1", .baseline = {}, .recipe = "a", .overrides = {"x=2"}};
  CHECK(add_cell(plan, drawn, 5, plan_test::prepare, runs) == 3);
  CHECK(plan.cells[3].state == Status::reused);
  CHECK(manifest_of(plan, "").cells.size() == 4);
}

TEST_CASE("what a plan grows by adds its parts' code, and what cannot be bound leaves no trace", "[plan]") {
  SweepPlan plan = make_plan(plan_test::spec_of("base: a\nseeds: [1]\n"), {}, plan_test::prepare, {});
  const SweepRow drawn{.label = "draw 1", .baseline = {}, .recipe = "a", .overrides = {"x=2"}};
  const auto with_code = [](const std::string& recipe, const std::vector<std::string>& overrides) {
    PreparedRow row = plan_test::prepare(recipe, overrides);
    row.code = {{"mixer:other", "1a2b"}};
    return row;
  };
  const auto refused = [](const std::string&, const std::vector<std::string>&) -> PreparedRow {
    throw ConfigError("x", "x = 2: must be 1", "bad_value");
  };
  CHECK_THROWS_AS(add_cell(plan, drawn, 1, refused, {}), ConfigError);
  CHECK(plan.grid.rows.size() == 1);
  CHECK(plan.remarks.size() == 1);
  add_cell(plan, drawn, 1, with_code, {});
  CHECK(plan.remarks.size() == 2);
  CHECK(manifest_of(plan, "").code == PartCode{{"mixer:other", "1a2b"}});
}

TEST_CASE("a row whose values come from the seed has an identity for every seed", "[plan]") {
  int calls = 0;
  const auto prepare = [&](const std::string& recipe, const std::vector<std::string>& overrides) {
    ++calls;
    const bool asks = std::ranges::count(overrides, "x=${seed}") > 0;
    PreparedRow row{.id = recipe, .asks_for_seed = asks};
    for (const std::string& each : overrides)
      if (asks && each.starts_with("++seed")) row.id += " " + each;
    return row;
  };
  const SweepPlan plan =
      make_plan(plan_test::spec_of("base: a\nseeds: [1, 2, 3]\nablate: {x: 'x=${seed}'}\n"), {}, prepare, {});
  std::set<std::string> ids;
  for (const PlannedCell& cell : plan.cells) ids.insert(cell.id);
  CHECK(ids.size() == 4);  // one of the baseline, three of the row
  CHECK(calls == 5);       // and once the bare base, which remarks compare with
}

TEST_CASE("time comes from runs of the same row, else from the rate of all, else it is unknown", "[plan]") {
  const SweepSpec spec = plan_test::spec_of("base: a\nseeds: [1, 2]\nablate: {x: x=1}\n");
  const SweepPlan plan = make_plan(spec, {}, plan_test::prepare, {plan_test::run("a", 1, Status::done)});
  CHECK(plan.cells[1].seconds == 5.0);
  CHECK(plan.cells[1].peak_mib == 70.0);
  CHECK(plan.cells[2].seconds == 10.0);  // twice the parameters
  CHECK(!plan.cells[2].peak_mib);
  CHECK(plan.cells[2].basis == "1e+04 parameters x tokens a second");
  CHECK(packing_of(plan, {.jobs = 1}).seconds == 25.0);
  CHECK(packing_of(plan, {.jobs = 2}).seconds == 15.0);
  CHECK(!make_plan(spec, {}, plan_test::prepare, {}).cells[0].seconds);
}

TEST_CASE("the mistakes of all rows are reported in one go, the base's only once", "[plan]") {
  const auto make = [](const std::string& text) {
    return make_plan(plan_test::spec_of(text), {}, plan_test::prepare, {});
  };
  CHECK_THROWS_WITH(make("base: a\nset: [bad.a=1]\nablate:\n  x: bad.b=1\n  y: [bad.c=1, bad.d=1]\n"),
                    "probe: row 'base': override: bad.a=1: no such key\n"
                    "probe.yaml:4:6: row 'x': override: bad.b=1: no such key\n"
                    "probe.yaml:5:6: row 'y': override: bad.c=1: no such key\n"
                    "probe.yaml:5:6: row 'y': override: bad.d=1: no such key");
}

TEST_CASE("a plan proposes threads where cores would stay idle", "[plan]") {
  const SweepPlan plan =
      make_plan(plan_test::spec_of("base: a\nablate: {x: x=1}\n"), {}, plan_test::prepare, {});
  CHECK(threads_proposal(plan, 8) ==
        "6 of 8 cores stay idle; trainer.threads=4 in `set` would use them, in runs of their own identity");
  CHECK(threads_proposal(plan, 3).empty());
}

TEST_CASE("a row that changes nothing is named as the same run", "[plan]") {
  const SweepPlan plan =
      make_plan(plan_test::spec_of("base: a\nablate: {x: idle=1}\n"), {}, plan_test::prepare, {});
  CHECK(plan.cells[1].same_as == "base");
  CHECK(plan_text(plan, {.jobs = 2}).find("same run as base") != std::string::npos);
}

TEST_CASE("a plan's table fits 100 columns however long its rows are named", "[plan]") {
  const std::string name(150, 'x');
  const SweepPlan plan =
      make_plan(plan_test::spec_of("base: a\nablate: {" + name + ": idle=1, " + name + "ü: y=1}\n"), {},
                plan_test::prepare, {plan_test::run("a", 1337, Status::diverged)});
  for (const std::string& line : split(plan_text(plan, {.jobs = 2}), '\n')) CHECK(display_width(line) <= 100);
}

TEST_CASE("a plan shows rows of wide letters and of control letters", "[plan]") {
  const SweepPlan plan = make_plan(
      plan_test::spec_of("base: a\nablate: {日本語の行日本語の行日本語の行: y=1, \"\\e[31mred\\a\": y=2}\n"),
      {}, plan_test::prepare, {});
  const std::string text = plan_text(plan, {.jobs = 2});
  CHECK(text.find("日本語の行日本語の行日…  ") != std::string::npos);
  CHECK(text.find("\\x1b[31mred\\x07  ") != std::string::npos);
  CHECK(shown_lines(text) == text);
}

TEST_CASE("a manifest names rows, baselines and changed recipes", "[plan]") {
  const SweepPlan plan = make_plan(plan_test::spec_of("base: a\nseeds: [7]\nablate: {x: {recipe: b, set: "
                                                      "[y=1]}}\nclaims: [{row: x, is: worse, by: 0.5}]\n"),
                                   {"z=3"}, plan_test::prepare, {});
  const SweepManifest manifest = manifest_of(plan, "probe.yaml");
  CHECK(manifest.baseline == "base");
  CHECK(manifest.cells[1].overrides == std::vector<std::string>{"recipe=b", "y=1"});
  CHECK(manifest.cells[1].id == "b y=1 z=3");
  CHECK(manifest.claims[0].by == 0.5);
}

namespace plan_test {

// A net whose parameters grow with its width, twice as fast with another mixer; and what its runs report.
static PreparedRow prepare_net(const std::string& recipe, const std::vector<std::string>& overrides) {
  config::Node resolved =
      config::parse_yaml("{width: 64, mixer: {type: softmax, heads: 6, rope: half}}", "a.yaml");
  PreparedRow row{.id = recipe, .metrics = {"valid.bpb", "valid.loss", "train.seconds"}};
  for (const std::string& each : overrides) {
    if (each.starts_with("width=")) resolved.set("width", config::Node(*parse_integer(each.substr(6))));
    if (each == "mixer=flash")
      resolved.set("mixer", config::parse_yaml("{type: flash, heads: 4}", "default"));
    if (!each.starts_with("++seed")) row.id += " " + each;
  }
  resolved.find("width")->place = {std::make_shared<const std::string>("override 1 (width)"), 0, 0};
  row.parameters = resolved.find("width")->integer() * 100;
  if (resolved.at("mixer.type")->string() == "flash") row.parameters *= 2;
  row.flops = static_cast<double>(row.parameters) * 2;
  row.resolved = resolved;
  return row;
}

static std::string refusal(const std::string& spec) {
  try {
    make_plan(spec_of(spec), {}, prepare_net, {});
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "none";
}

}  // namespace plan_test

TEST_CASE("a metric or column that no row reports is known before anything is trained", "[plan]") {
  CHECK(
      plan_test::refusal(
          "base: a\nmetric: {name: valid.bdp}\ncolumns: {loss: valid.loss, s: train.secs}\n") ==
      "probe.yaml:2:16: metric.name = valid.bdp: no row reports it; did you mean 'valid.bpb'? 'subband list "
      "metric a' lists what there is\n"
      "probe.yaml:3:29: columns.s = train.secs: no row reports it; did you mean 'train.seconds'? 'subband "
      "list metric a' lists "
      "what there is");
  CHECK(plan_test::refusal("base: a\ncolumns: {loss: valid.loss}\n") == "none");
}

TEST_CASE("a plan remarks on what a row changes besides what it asks for", "[plan]") {
  const SweepPlan plan = make_plan(
      plan_test::spec_of("base: a\nablate: {flash: mixer=flash, wider: width=65, wide: width=128}\n"), {},
      plan_test::prepare_net, {});
  CHECK(plan.remarks ==
        std::vector<std::string>{
            "", "heads 6→4, drops rope=half (mixer.type=flash keeps what both have), parameters +100.0 %", "",
            "parameters +100.0 %"});
  CHECK_THAT(plan_text(plan, {.jobs = 1}),
             Catch::ContainsSubstring("\nrow 'flash': heads 6→4, drops rope=half (mixer.type=flash keeps "
                                      "what both have), parameters +100.0 %\n"));
}

TEST_CASE("a manifest keeps what rows change besides what they ask for", "[plan]") {
  const SweepPlan plan =
      make_plan(plan_test::spec_of("base: a\nablate: {wider: width=65, wide: width=128}\n"), {},
                plan_test::prepare_net, {});
  const SweepManifest manifest = manifest_of(plan, "probe.yaml");
  REQUIRE(manifest.remarks.size() == 1);
  CHECK(manifest.remarks[0].row == "wide");
  CHECK(manifest.remarks[0].text == "parameters +100.0 %");
}

TEST_CASE("a row takes the width with which it is as large as the base, or a number", "[plan]") {
  const SweepPlan plan =
      make_plan(plan_test::spec_of(
                    "base: a\nablate:\n"
                    "  flash: {set: mixer=flash, match: {model.parameters: base, by: width, within: 2 %}}\n"
                    "  small: {match: {model.flops: 2000, by: width, within: 0}}\n"),
                {}, plan_test::prepare_net, {});
  CHECK(plan.grid.rows[1].overrides == std::vector<std::string>{"mixer=flash", "width=32"});
  CHECK(plan.cells[1].parameters == 6400);
  CHECK(plan.grid.rows[2].overrides == std::vector<std::string>{"width=10"});
  CHECK(plan_test::refusal(
            "base: a\nablate: {x: {match: {model.parameters: 6450, by: width, within: 0.1 %}}}\n") ==
        "probe.yaml:2:13: row 'x': probe.yaml:2:21: match: no width gives model.parameters within "
        "0.1 % "
        "of 6,450; the nearest, width=64, gives 6,400");
  CHECK_THAT(plan_test::refusal("base: a\nablate: {x: {match: {model.parameters: base, by: mixer.type}}}\n"),
             Catch::EndsWith("match: by = mixer.type: must be a whole number of the row's config, from 1"));
  CHECK_THAT(plan_test::refusal("base: a\nablate: {x: {match: {parameters: base}}}\n"),
             Catch::EndsWith("expected {model.parameters: base, by: net.width, within: 2 %}"));
}

TEST_CASE("a plan without its data shows cells and parameters, and what is missing", "[plan]") {
  const auto prepare = [](const std::string&, const std::vector<std::string>&) {
    return PreparedRow{.parameters = 1000, .missing = "corpus.txt: no such file"};
  };
  const SweepPlan plan = make_plan(plan_test::spec_of("base: a\nablate: {x: x=1}\n"), {}, prepare,
                                   {plan_test::run("", 1337, Status::done)});
  REQUIRE(plan.cells.size() == 2);
  CHECK(plan.cells[1].state == Status::fresh);
  CHECK(plan.cells[1].same_as.empty());
  CHECK(plan.missing == std::vector<std::string>{"corpus.txt: no such file"});
}

TEST_CASE("a plan prints once what the published run of a recipe took", "[plan]") {
  const auto prepare = [](const std::string& recipe, const std::vector<std::string>&) {
    return PreparedRow{.id = recipe, .parameters = 1000, .price = "16.25 h on one GPU"};
  };
  const SweepPlan plan = make_plan(plan_test::spec_of("base: a\nablate: {x: {recipe: b}}\n"), {}, prepare, {});
  CHECK(plan.prices == std::vector<std::string>{"16.25 h on one GPU"});
  CHECK_THAT(plan_text(plan, {.jobs = 1}), Catch::ContainsSubstring("\nas published: 16.25 h on one GPU\n"));
}

// A row whose mixer is of this code, and a run of it under another.
static PreparedRow prepare_coded(const std::string& recipe, const std::vector<std::string>& overrides) {
  PreparedRow row = plan_test::prepare(recipe, overrides);
  row.code = {{"mixer:mean", "22"}, {"net:decoder_lm", "77"}};
  row.recipe = std::make_shared<const config::Node>(config::Node::map());
  return row;
}

static RunSummary run_of_code(const std::string& id, int64_t seed, Status status, const std::string& digest) {
  RunSummary run = plan_test::run(id, seed, status);
  run.code = {{"mixer:mean", digest}, {"net:decoder_lm", "77"}};
  return run;
}

static SweepPlan plan_of_other_code() {
  return make_plan(plan_test::spec_of("base: a\nseeds: [1, 2]\nablate: {x: x=1, y: y=1}\n"), {}, prepare_coded,
                   {run_of_code("a", 1, Status::done, "22"), run_of_code("a", 2, Status::nan, "22"),
                    run_of_code("a x=1", 1, Status::done, "11"), run_of_code("a x=1", 2, Status::nan, "11"),
                    run_of_code("a y=1", 1, Status::interrupted, "mixed")});
}

static std::vector<Status> states_of(const SweepPlan& plan) {
  std::vector<Status> states;
  for (const PlannedCell& cell : plan.cells) states.push_back(cell.state);
  return states;
}

TEST_CASE("a plan says which runs other code made, and reuses none of its failures", "[plan]") {
  SweepPlan plan = plan_of_other_code();
  choose_again(plan, {});
  CHECK(states_of(plan) == std::vector<Status>{Status::reused, Status::reused, Status::reused, Status::retry,
                                               Status::resume, Status::fresh});
  const std::string text = plan_text(plan, {.jobs = 1});
  CHECK_THAT(text, Catch::ContainsSubstring("1  reused         1,000       5.0 s     70 MiB  other code: mean\n"));
  CHECK_THAT(text, Catch::ContainsSubstring("  was nan; other code: mean\n"));
  CHECK_THAT(text, Catch::ContainsSubstring("\n2 cells are kept of other code (mean); --redo trains them again\n"));
  CHECK(plan.cells[0].recipe == nullptr);
  CHECK(manifest_of(plan, "probe.yaml").code == PartCode{{"mixer:mean", "22"}, {"net:decoder_lm", "77"}});
}

TEST_CASE("cells are done again where other code made them, by row, or all", "[plan]") {
  SweepPlan plan = plan_of_other_code();
  choose_again(plan, {.other_code = true});
  CHECK(states_of(plan) == std::vector<Status>{Status::reused, Status::reused, Status::retry, Status::retry,
                                               Status::retry, Status::fresh});
  CHECK_THAT(plan_text(plan, {.jobs = 1}), Catch::ContainsSubstring("  again; other code: mean\n"));
  CHECK(plan.cells[2].recipe != nullptr);
  plan = plan_of_other_code();
  choose_again(plan, {.row = "base"});
  CHECK(plan.cells[0].again);
  CHECK(plan.cells[1].again);
  CHECK_FALSE(plan.cells[2].again);
  plan = plan_of_other_code();
  choose_again(plan, {.all = true});
  CHECK(plan.count(Status::reused) == 0);
  CHECK_THROWS_WITH(choose_again(plan, {.row = "bas"}),
                    "command line: --redo = bas: no such row; did you mean 'base'? known: base, x, y");
}
