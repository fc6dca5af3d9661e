#include "analysis/pictures/curves.h"

#include <cstdlib>

#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "runs/testing/example_run.h"

using namespace subband;

namespace curves_test {
static SweepManifest sweep_of(const std::vector<std::string>& names) {
  SweepManifest sweep{
      .name = "probe", .spec = "probe.yaml", .metric = "valid.bpb", .baseline = "a", .seeds = {1, 2}};
  for (const std::string& name : names)
    for (const int64_t seed : sweep.seeds)
      sweep.cells.push_back({.row = name, .seed = seed, .id = sha256_hex(name)});
  return sweep;
}
}  // namespace curves_test

TEST_CASE("learning curves are means over seeds, of the training loss where the metric was measured once",
          "[curves]") {
  const TestFolder folder;
  const Store store(folder.path());
  testing::make_run(store, {.name = "a", .seed = 1});
  testing::make_run(store, {.name = "a", .seed = 2});
  const CurveChart chart = learning_curves(curves_test::sweep_of({"a", "not there"}), store);
  CHECK(chart.value_axis == "training loss, nats per token");
  REQUIRE(chart.curves.size() == 1);
  CHECK(chart.curves[0].tokens.front() == 64);
  CHECK(chart.curves[0].values.front() == 4.75);
  CHECK(chart.curves[0].tokens.back() == 512);
  CHECK(chart.curves[0].values.back() == 3.0);
}

TEST_CASE("a chart becomes an SVG file with every row in its legend", "[curves]") {
  if (std::system("command -v gnuplot >/dev/null 2>&1") != 0) {
    WARN("skipped: gnuplot is not installed");
    return;
  }
  const TestFolder folder;
  const CurveChart chart{.title = "a \"quoted\" sweep",
                         .value_axis = "valid.bpb",
                         .curves = {{"no_bypass", {0, 10, 20}, {3, 2.5, 2}}, {"a\\b", {0, 10}, {3, 2.6}}}};
  CHECK(draw_curves(chart, folder / "x.svg") == "");
  const std::string svg = read_file(folder / "x.svg");
  CHECK(svg.find("<svg") != std::string::npos);
  CHECK(svg.find("no_bypass") != std::string::npos);
  CHECK(svg.find("a\\b") != std::string::npos);
  CHECK(svg.find("quoted") != std::string::npos);
  CHECK(!std::filesystem::exists(folder / "x.svg.gnuplot"));
}

TEST_CASE("without two points there is no picture and the reason is said", "[curves]") {
  const TestFolder folder;
  CHECK(draw_curves({.title = "t", .value_axis = "v", .curves = {{"a", {1}, {1}}}}, folder / "x.svg") ==
        "no learning curves yet: no run has two points");
  CHECK(!std::filesystem::exists(folder / "x.svg"));
}
