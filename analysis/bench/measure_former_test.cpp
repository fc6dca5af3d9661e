#include "analysis/bench/measure_former.h"

#include "analysis/bench/targets.h"
#include "analysis/testing/script.h"
#include "core/error.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"

namespace measure_former_test {

using namespace subband;

// Answers as `bench mixers --json` does; $ms is set by `before`.
static std::string program(const TestFolder& folder, const std::string& name, const std::string& before) {
  return testing::script(
      folder / name,
      "ms=8\nmixer=$3\nlength=${4#--lengths=}\n" + before +
          "echo warming up >&2\necho \"{\\\"cells\\\": [{\\\"mixer\\\": \\\"copy\\\", \\\"length\\\": "
          "$length, \\\"median_ms\\\": 1},"
          "\n{\\\"mixer\\\": \\\"$mixer\\\", \\\"length\\\": $length, $said\\\"median_ms\\\": $ms}]}\"\n");
}

TEST_CASE("a former state is measured as it is, and with memory kept, over this one", "[bench][former]") {
  const TestFolder folder;
  const FormerBenchPlan plan{
      .former = program(folder, "former", "ms=32; [ \"$MALLOC_TRIM_THRESHOLD_\" = 17179869184 ] && ms=20\n"),
      .program = program(folder, "this", "[ $length = 64 ] && ms=16\n"),
      .mixers = {"wersa", "retnet"},
      .lengths = {32, 64},
      .backward = true,
      .rounds = 2};
  std::vector<std::string> told;
  const Report report = measure_former(plan, [&](const std::string& note) { told.push_back(note); });
  const Table& table = *tables_of(report).at(0);
  REQUIRE(table.rows.size() == 4);
  CHECK(table.rows[1][0].text == "retnet");
  CHECK(table.rows[1][3].text == "4.00 (4.00–4.00)");
  CHECK(table.rows[1][4].text == "2.50 (2.50–2.50)");
  CHECK(table.rows[2][2].text == "16.0 (16.0–16.0)");
  CHECK(report.facts.at(kFigures).at("former/subband wersa at 64") == 2);
  CHECK(report.facts.at(kFigures).at("former kept/subband wersa at 64") == 1.25);
  CHECK(told.size() == 4 * 2 * 3);
}

TEST_CASE("a mixer that one of both leaves out is a note, as is a program that fails", "[bench][former]") {
  const TestFolder folder;
  FormerBenchPlan plan{
      .former = program(folder, "former", "said='\"skipped\": \"predicted 9 s a pass\", '\n"),
      .program = program(folder, "this", ""),
      .mixers = {"wersa"},
      .lengths = {32},
      .rounds = 1};
  const auto nobody = [](const std::string&) {};
  const Report report = measure_former(plan, nobody);
  CHECK(tables_of(report).at(0)->rows.empty());
  const std::string note = lines_of(report.blocks.at(1)).at(1);
  CHECK_THAT(note, Catch::StartsWith("wersa at 32: left out: former"));
  CHECK_THAT(note, Catch::EndsWith(": predicted 9 s a pass"));
  plan.former = program(folder, "broken", "echo no such mixer >&2; exit 2\n");
  CHECK_THAT(lines_of(measure_former(plan, nobody).blocks.at(1)).at(1),
             Catch::ContainsSubstring("no such mixer"));
}

}  // namespace measure_former_test
