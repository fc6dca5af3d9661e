#include "analysis/bench/measure_sweep.h"

#include "analysis/bench/targets.h"
#include "analysis/testing/named_python.h"
#include "analysis/testing/script.h"
#include "core/error.h"
#include "core/json.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/load_recipe.h"
#include "experiments/parts.h"
#include "runs/testing/example_run.h"

namespace measure_sweep_test {

using namespace subband;
namespace fs = std::filesystem;

// Two runs of a small net, and programs that are quick about them: `sweep` copies them into the store that it is given,
// in place of Hydra a script writes a result for every cell.
class MadeUp {
 public:
  MadeUp() {
    register_parts(registry);
    const Recipe recipe =
        load_recipe(registry, {.name = "mqar/attention", .overrides = {"net.width=8"}, .folders = {}});
    for (const int64_t seed : {1, 2}) {
      const testing::ExampleRun run{.name = "cell", .seed = seed};
      RunStart start = testing::start_of(run);
      OpenRun open = Store(folder_ / "made").open_or_create(start, recipe.resolved);
      open.record.end({.status = Status::done,
                       .step = 8,
                       .message = "",
                       .metrics = {{"valid.bpb", 2.0 + 0.5 * static_cast<double>(seed)}}});
    }
    plan.program = testing::script(folder_ / "sweep.sh",
                                   "while [ $# -gt 0 ]; do [ \"$1\" = --store ] && store=$2; shift; done\n"
                                   "cp -r " +
                                       (folder_ / "made").string() + " \"$store\"\n");
  }
  // `rest`: what it does for the cells, whose folder is $cells.
  std::string python(const std::string& rest) const {
    return testing::script(
        folder_ / "python3",
        "[ \"$1\" = -c ] && { echo '{\"torch\": \"made up\"}'; exit; }\n"
        "for word in \"$@\"; do case $word in cells=*) cells=${word#cells=};; esac; done\n" +
            rest);
  }
  Report measured() const {
    return measure_sweep(registry, plan, [](const std::string&) {});
  }

  Registry registry;
  SweepBenchPlan plan{.sweep = "made_up"};

 private:
  TestFolder folder_;
};

TEST_CASE("a sweep is measured beside Hydra's, ours first, with the results of both", "[bench][sweep]") {
  const MadeUp made_up;
  const testing::NamedPython peer(made_up.python(
      "sleep 0.3\nfor cell in \"$cells\"/*; do test -s \"$cell/weights.safetensors\" || exit 1\n"
      "test -s \"$cell/first.safetensors\" || exit 1; test -s \"$cell/recipe.json\" || exit 1\n"
      "echo '{\"valid\": 3.5}' >\"$cell/result.json\"; done\n"));
  const Report report = made_up.measured();
  const Table& table = *tables_of(report).at(0);
  REQUIRE(table.rows.size() == 2);
  CHECK(table.rows[0][0].text == "subband sweep");
  CHECK(table.rows[0][2].text == "1.00");
  CHECK(table.rows[0][3].text == "2.7500");
  CHECK(table.rows[1][0].text == "Hydra, joblib, PyTorch eager");
  CHECK(table.rows[1][1].value.get<double>() >= 0.3);
  CHECK(table.rows[1][3].text == "3.5000");
  const double ratio = table.rows[1][2].value.get<double>();
  CHECK(ratio == Approx(table.rows[1][1].value.get<double>() / table.rows[0][1].value.get<double>()));
  CHECK(report.facts.at(kFigures).at("subband/eager").get<double>() == Approx(1 / ratio));
}

TEST_CASE("where no Python has what Hydra needs, our sweep stands alone and the notes say why",
          "[bench][sweep]") {
  MadeUp made_up;
  made_up.plan.compiled = true;
  const testing::NamedPython none("/nowhere/python3");
  const Report report = made_up.measured();
  CHECK(tables_of(report).at(0)->rows.size() == 1);
  const std::vector<std::string> notes = lines_of(report.blocks.at(1));
  REQUIRE(notes.size() == 3);
  const std::string why =
      ": SUBBAND_PEERS = /nowhere/python3: is no Python that can import torch, hydra, "
      "hydra_plugins.hydra_joblib_launcher";
  CHECK(notes[1] == "Hydra, joblib, PyTorch eager" + why);
  CHECK(notes[2] == "Hydra, joblib, PyTorch compiled" + why);
  CHECK(report.facts.at(kFigures).empty());
}

TEST_CASE("a sweep or a peer that fails is told with the last that it said", "[bench][sweep]") {
  MadeUp made_up;
  {
    const testing::NamedPython peer(made_up.python("echo 'first loss = 3: must be 5' >&2; exit 1\n"));
    CHECK_THROWS_WITH(made_up.measured(),
                      Catch::EndsWith("python3: has failed: first loss = 3: must be 5\n"));
  }
  made_up.plan.program = "true";
  CHECK_THROWS_WITH(made_up.measured(), "bench sweep: the sweep has left no runs");
}

}  // namespace measure_sweep_test
