#include "analysis/pictures/curves.h"

#include <cmath>
#include <cstdlib>
#include <limits>

#include "core/files.h"
#include "core/languages/terminal.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "core/testing/read_back.h"
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

static bool is_without_gnuplot() {
  if (std::system("command -v gnuplot >/dev/null 2>&1") == 0) return false;
  WARN("skipped: gnuplot is not installed");
  return true;
}

TEST_CASE("a chart becomes an SVG file with every row in its legend", "[curves]") {
  if (is_without_gnuplot()) return;
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
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("a picture of nasty names draws them and runs none, a diverged row too", "[curves]") {
  if (!testing::has_reader("svg") || is_without_gnuplot()) return;
  const TestFolder folder;
  const double inf = std::numeric_limits<double>::infinity();
  CurveChart chart{.title = "`touch " + (folder / "PWNED").string() + "`", .value_axis = "$(x)"};
  for (const std::string& name :
       {"`touch " + (folder / "PWNED").string() + "`", std::string("'; system('false') #"),
        std::string("\x1b[31mred"), std::string("a\n\nEND")})
    chart.curves.push_back({name, {0, 10, 20, 30}, {3, inf, 1e171, std::nan("")}});
  CHECK(draw_curves(chart, folder / "it's (a) `file` $x.svg") == "");
  CHECK(!std::filesystem::exists(folder / "PWNED"));
  const auto texts = testing::cells_read_back("svg", read_file(folder / "it's (a) `file` $x.svg"));
  for (const std::string& text : {std::string("'; system('false') #"), std::string("\\x1b[31mred"),
                                  std::string("a\\n\\nEND"), fitted(chart.title, 40), chart.value_axis})
    CHECK(std::ranges::find(texts, text) != texts.end());
}

TEST_CASE("a picture that cannot be written is a line", "[curves]") {
  if (is_without_gnuplot()) return;
  const TestFolder folder;
  const auto file = folder / (std::string(300, 'n') + ".svg");
  CHECK(draw_curves({.title = "t", .value_axis = "v", .curves = {{"a", {1, 2}, {1, 2}}}}, file) ==
        "no picture of the learning curves: " + file.string() + ": cannot be written: File name too long");
}

TEST_CASE("the axis names what is drawn of every row, and seeds that differ are a band", "[curves]") {
  const TestFolder folder;
  const Store store(folder.path());
  const auto measure = [&](const std::string& name, int64_t seed, bool has_estimates, double value) {
    const auto run = testing::make_run(store, {.name = name, .seed = seed, .has_end = false});
    RecordWriter record(run / kRecordName);
    for (int64_t step = 2; step <= 8; step += 2) {
      Metrics metrics = {{"valid.bpb", value}};
      if (has_estimates) metrics["valid.bpb_estimate"] = value + 0.5;
      record.append("metrics", {{"step", step}, {"metrics", metrics_json(metrics)}}, false);
    }
  };
  measure("a", 1, true, 2.0), measure("a", 2, true, 3.0), measure("b", 1, false, 4.0);
  const CurveChart chart = learning_curves(curves_test::sweep_of({"a", "b"}), store);
  CHECK(chart.value_axis == "valid.bpb_estimate");
  REQUIRE(chart.curves.size() == 1);  // the other row has no estimates, and is not drawn as if it had
  CHECK(chart.curves[0].values == std::vector<double>(4, 3.0));
  CHECK(chart.curves[0].low == std::vector<double>(4, 2.5));
  CHECK(chart.curves[0].high == std::vector<double>(4, 3.5));
  CHECK(gnuplot_script(chart).find("$row0 using 1:3:4 with filledcurves") != std::string::npos);
}

TEST_CASE("tokens are counted in a unit that tells the marks of the axis apart, and a long legend has room", "[curves]") {
  CurveChart chart{.title = "t", .value_axis = "v", .curves = {{"a", {409'600, 1'228'800}, {2, 1}}}};
  CHECK_THAT(gnuplot_script(chart), Catch::ContainsSubstring("\nset xlabel \"millions of training tokens\"\n"));
  CHECK_THAT(gnuplot_script(chart), Catch::ContainsSubstring("\n0.4096 2.000000\n1.2288 1.000000\n"));
  CHECK_THAT(gnuplot_script(chart), Catch::StartsWith("set terminal svg size 960,600 "));
  chart.curves.assign(40, {"a", {512, 1'024}, {2, 1}});
  CHECK_THAT(gnuplot_script(chart), Catch::StartsWith("set terminal svg size 960,940 "));
  CHECK_THAT(gnuplot_script(chart), Catch::ContainsSubstring("\nset xlabel \"training tokens\"\n"));
}

TEST_CASE("a setting that was tried for a row has no curve", "[curves]") {
  const TestFolder folder;
  const Store store(folder.path());
  for (const char* name : {"a", "a: lr=1"}) testing::make_run(store, {.name = name, .seed = 1});
  SweepManifest sweep = curves_test::sweep_of({"a", "a: lr=1"});
  for (SweepCell& cell : sweep.cells)
    if (cell.row != "a") cell.trial_of = "a";
  REQUIRE(learning_curves(sweep, store).curves.size() == 1);
}

TEST_CASE("without two points there is no picture and the reason is said", "[curves]") {
  const TestFolder folder;
  CHECK(draw_curves({.title = "t", .value_axis = "v", .curves = {{"a", {1}, {1}}}}, folder / "x.svg") ==
        "no learning curves yet: no run has two points");
  CHECK(!std::filesystem::exists(folder / "x.svg"));
}
