#include "analysis/pivot.h"

#include "analysis/testing/example_report.h"
#include "core/testing/catch.h"

namespace subband::pivot_test {

// A sweep whose rows have these overrides; the i-th row's value is i.
static std::optional<Table> pivot_of(const std::vector<std::vector<std::string>>& rows) {
  SweepManifest sweep{.name = "grid", .spec = "grid.yaml", .metric = "valid.bpb", .seeds = {1}};
  std::vector<RunSummary> runs;
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string name = std::to_string(i);
    sweep.cells.push_back({.row = name, .seed = 1, .id = name, .overrides = rows[i]});
    if (i != 3)
      runs.push_back({.id = name,
                      .seed = 1,
                      .status = Status::done,
                      .metrics = {{"valid.bpb", static_cast<double>(i)}}});
  }
  return pivot_table(sweep, compare(sweep, runs));
}

TEST_CASE("two axes are a table, one down and one across", "[pivot]") {
  const auto table =
      pivot_of({{"w=8", "lr=1e-1"}, {"w=8", "lr=0.2"}, {"w=16", "lr=1e-1"}, {"w=16", "lr=0.2"}});
  REQUIRE(table);
  CHECK(testing::written("md", {.blocks = {*table}}) ==
        "| w \\\\ lr | 1e-1 | 0.2 |\n|---|--:|--:|\n| 8 | 0.0000 | 1.0000 |\n| 16 | 2.0000 | – |\n");
  CHECK(testing::written("csv", {.blocks = {*table}}).empty());
}

TEST_CASE("one axis is a line", "[pivot]") {
  const auto table = pivot_of({{"w=8"}, {"w=16"}, {"w=32"}});
  REQUIRE(table);
  CHECK(testing::written("md", {.blocks = {*table}}) ==
        "| w | 8 | 16 | 32 |\n|---|--:|--:|--:|\n| valid.bpb | 0.0000 | 1.0000 | 2.0000 |\n");
}

TEST_CASE("rows that are no grid have no pivot", "[pivot]") {
  CHECK_FALSE(pivot_of({{}, {"w=8"}}));
  CHECK_FALSE(pivot_of({{"w=8"}, {"lr=1"}}));
  CHECK_FALSE(pivot_of({{"a=1", "b=1", "c=1"}, {"a=2", "b=1", "c=1"}}));
  CHECK_FALSE(pivot_of({{"~w"}, {"~v"}}));
  CHECK_FALSE(pivot_of({{"w=8"}}));
}

}  // namespace subband::pivot_test
