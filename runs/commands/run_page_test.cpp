#include "runs/commands/run_page.h"

#include <cmath>

#include "core/testing/catch.h"
#include "core/text.h"

namespace subband::run_page_test {

TEST_CASE("the plot of a curve has its first point top left and its last bottom right when the loss falls",
          "[run_page]") {
  std::vector<CurvePoint> curve;
  for (int64_t step = 1; step <= 11; ++step)
    curve.push_back({.step = step, .loss = 6.0 - 0.5 * static_cast<double>(step)});
  const auto lines = split(curve_plot(curve, 11, 11), '\n');
  REQUIRE(lines.size() >= 13);
  for (size_t row = 0; row < 11; ++row) {
    const std::string plot = lines[row].substr(lines[row].find('|') + 1);
    CHECK(plot == std::string(row, ' ') + "*");
  }
  CHECK(lines[0].starts_with("   5.5000 |"));
  CHECK(lines[10].starts_with("   0.5000 |"));
}

TEST_CASE("a curve without two finite points has no plot", "[run_page]") {
  CHECK(curve_plot({}, 20, 5) == "");
  CHECK(curve_plot({{.step = 1, .loss = 2.0}, {.step = 2, .loss = std::nan("")}}, 20, 5) == "");
}

static RunRecord example_record(int64_t width, double bpb) {
  RunRecord run;
  run.id = std::string(64, 'b');
  run.recipe = "tiny/wavelet";
  run.config = {{"net", {{"width", width}, {"layers", 2}}}};
  run.provenance = {{"compiler", "g++ 12"}};
  run.metrics = {{"valid.bpb", bpb}};
  run.curve = {{.step = 1, .loss = 5}, {.step = 2, .loss = std::nan("")}};
  return run;
}

TEST_CASE("two runs differ in exactly the values that are not equal", "[run_page]") {
  const RecordJson difference = run_difference(example_record(8, 2.5), example_record(16, 2.5));
  CHECK(json_text(difference) == R"([{"path":"config.net.width","first":8,"second":16}])");
  CHECK(difference_text(run_difference(example_record(8, 2.5), example_record(8, 2.5))) ==
        "no difference in config, parts, data and metrics\n");
  RunRecord edited = example_record(8, 2.5), before = example_record(8, 2.5);
  before.data = {{"a.txt", "00"}, {"b.txt", "22"}};
  edited.data = {{"a.txt", "11"}, {"b.txt", "22"}};
  CHECK(json_text(run_difference(before, edited)) == R"([{"path":"data.a.txt","first":"00","second":"11"}])");
}

TEST_CASE("a run's page and its JSON hold metrics, provenance and config", "[run_page]") {
  const RunRecord run = example_record(8, 2.5);
  const std::string page = run_page("logs/x", run);
  for (const char* text : {"valid.bpb", "2.5", "compiler: g++ 12", "net.width: 8", "tiny/wavelet"})
    CHECK(page.find(text) != std::string::npos);
  const RecordJson back = RecordJson::parse(json_text(run_json("logs/x", run)));
  CHECK(back["metrics"]["valid.bpb"] == 2.5);
  CHECK(back["curve"][1]["loss"] == ".nan");
  CHECK(back["config"]["net"]["layers"] == 2);
}

}  // namespace subband::run_page_test
