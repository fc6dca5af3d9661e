#include "analysis/published.h"

#include "core/error.h"
#include "core/testing/catch.h"

namespace published_test {
using namespace subband;

Comparison two_rows() {
  Comparison ours{.name = "ours", .metric = "test.bpb_sliding", .goal = "min"};
  ours.rows.push_back({.label = "base", .values = {{1337, 1.2}}, .parameters = 366579972});
  ours.rows.push_back({.label = "no bypass", .values = {}, .parameters = 361234692});
  return ours;
}

TEST_CASE("a published table is read with its source", "[published]") {
  const PublishedTable table = read_published("waveletlm/03_booleans");
  CHECK_THAT(table.source, Catch::ContainsSubstring("github.com/ramongougis/WaveletLM"));
  REQUIRE(table.runs.size() == 9);
  CHECK(table.runs[1].row == "no bypass");
  CHECK(table.runs[1].parameters == 361234692);
  CHECK(table.runs[1].bpb == 1.1734);
  CHECK(table.runs[1].metric("test.ppl_sliding") == 39.0759);
  CHECK_FALSE(table.runs[1].metric("valid.loss"));
  CHECK_FALSE(table.runs[1].metric("valid.bpb"));
}

TEST_CASE("a run that failed is published as such", "[published]") {
  const PublishedTable table = read_published("waveletlm/09_mixer_depth");
  const auto failed = std::ranges::find(table.runs, "depth 5", &PublishedRun::row);
  REQUIRE(failed != table.runs.end());
  CHECK_FALSE(failed->bpb);
  CHECK(failed->result == "NaN");
}

TEST_CASE("every table of the folder can be read", "[published]") {
  const auto names = published_tables();
  CHECK(names.size() >= 27);
  for (const std::string& name : names) CHECK_FALSE(read_published(name).runs.empty());
}

TEST_CASE("our numbers stand beside theirs, and what is missing is a dash", "[published]") {
  const Comparison ours = two_rows();
  const Report report = published_report(read_published("waveletlm/03_booleans"), &ours, "test.bpb_sliding");
  const Table& table = *tables_of(report).at(0);
  const auto texts = [&](size_t i) {
    std::vector<std::string> row;
    for (const TableCell& cell : table.rows[i]) row.push_back(cell.text);
    return row;
  };
  CHECK(texts(0) == std::vector<std::string>{"base", "1337", "366,579,972", "366,579,972", "1.1750", "1.2000",
                                             "+0.0250", "2.78 h", "18738 MiB"});
  CHECK(texts(1) ==
        std::vector<std::string>{"no bypass", "1337", "361,234,692", "361,234,692", "1.1734", "–", "–", "2.83 h",
                                 "17764 MiB"});
  CHECK(texts(2)[3] == "–");
}

TEST_CASE("a sweep's own table gains a column", "[published]") {
  const Comparison ours = two_rows();
  Table table = comparison_table(ours);
  CHECK(add_published(table, ours, read_published("waveletlm/03_booleans")));
  CHECK(table.columns[2].title == "published");
  CHECK(table.rows[0][2].text == "1.1750");
  CHECK(table.rows[1][2].text == "1.1734");
}

TEST_CASE("lines that need no run stand below what was published", "[published]") {
  Comparison ours = two_rows();
  ours.lines = {{"guessing", 8}};
  Table table = comparison_table(ours);
  CHECK(add_published(table, ours, read_published("waveletlm/03_booleans")));
  CHECK(table.rows[2][0].text == "guessing");
  CHECK(table.rows[2][2].is_empty);
  ours.metric = "valid.nothing";
  Table other = comparison_table(ours);
  CHECK(add_published(other, ours, read_published("waveletlm/03_booleans")));
  CHECK(other.rows[0][2].is_empty);
}

TEST_CASE("an unknown table is refused with a suggestion", "[published]") {
  CHECK_THROWS_WITH(read_published("waveletlm/03_boleans"),
                    Catch::ContainsSubstring("waveletlm/03_boleans: no such published table; did you mean "
                                             "'waveletlm/03_booleans'?"));
}

}  // namespace published_test
