#include "analysis/bench/targets.h"

#include "analysis/format.h"
#include "core/json.h"
#include "core/testing/catch.h"

namespace targets_test {

using namespace subband;

static Report judged(const std::vector<std::string>& targets) {
  Report report{.title = "a run", .blocks = {}};
  report.facts[kFigures] = {{"eager/subband", 2.4}, {"wersa at 8192/4096", 2.0}, {"retnet at 8192/4096", 2.25}};
  std::vector<BenchTarget> read;
  for (const std::string& target : targets) read.push_back(read_target(target));
  judge(report, read);
  return report;
}

TEST_CASE("every figure that a target is for is met or missed", "[bench][targets]") {
  const Report report = judged({"eager/subband>=2.4", "* at 8192/4096<=2.1", "compiled/subband>=1.5"});
  const std::string text = make_format("md", {})->write(report);
  CHECK_THAT(text, Catch::ContainsSubstring("| eager/subband | 2.40 | ≥ 2.4 | met |"));
  CHECK_THAT(text, Catch::ContainsSubstring("| wersa at 8192/4096 | 2.00 | ≤ 2.1 | met |"));
  CHECK_THAT(text, Catch::ContainsSubstring("| retnet at 8192/4096 | 2.25 | ≤ 2.1 | missed |"));
  CHECK_THAT(text, Catch::ContainsSubstring("| compiled/subband | – | ≥ 1.5 | not measured |"));
  const Json document = read_json(make_format("json", {})->write(report), "report");
  CHECK(document.at("targets").size() == 4);
  CHECK(document.at("targets")[2].at("verdict") == "missed");
  CHECK(document.at("targets")[2].at("at_most") == 2.1);
  CHECK(document.at("targets")[3].at("measured").is_null());
  CHECK(document.at("figures").at("eager/subband") == 2.4);
}

TEST_CASE("without targets a report stays as it is", "[bench][targets]") {
  const Report report = judged({});
  CHECK(report.blocks.empty());
  CHECK_FALSE(report.facts.contains("targets"));
}

TEST_CASE("a target without a sign and a number is refused", "[bench][targets]") {
  for (const char* text : {"eager/subband", "eager>2", "eager>=fast", ">=2", "eager>="})
    CHECK_THROWS_WITH(read_target(text), std::string("command line: --target = ") + text +
                                             ": must be a figure, `>=` or `<=`, and a number");
}

}  // namespace targets_test
