#include "analysis/table.h"

#include <cmath>

#include "core/error.h"
#include "core/testing/catch.h"
#include "core/text.h"

using namespace subband;

namespace table_test {
static Table small() {
  return {.title = "a sweep",
          .columns = {{.title = "row", .may_shrink = true}, {.title = "bpb", .is_number = true}},
          .rows = {{{.text = "base"}, {.text = "2.50 ± 0.01", .value = 2.5}},
                   {{.text = "no | bypass, _a_"}, {.text = "–", .value = nullptr}}},
          .notes = {"1 of 2 seeds failed"}};
}
}  // namespace table_test

TEST_CASE("a terminal table is aligned by letters, not bytes", "[table]") {
  CHECK(to_terminal(table_test::small()) ==
        "a sweep\n"
        "row                       bpb\n"
        "────────────────  ───────────\n"
        "base              2.50 ± 0.01\n"
        "no | bypass, _a_            –\n"
        "1 of 2 seeds failed\n");
}

TEST_CASE("a terminal table is cut to its width with an ellipsis", "[table]") {
  Table table = table_test::small();
  table.rows[0][0].text = std::string(200, 'x');
  for (const size_t width : {30, 60, 100}) {
    for (const std::string& line : split(to_terminal(table, width), '\n'))
      CHECK(display_width(line) <= width);
  }
  CHECK(to_terminal(table, 30).find("xxx…  2.50") != std::string::npos);
}

TEST_CASE("Markdown escapes the bars of its cells", "[table]") {
  CHECK(to_markdown(table_test::small()) ==
        "## a sweep\n\n| row | bpb |\n|---|--:|\n| base | 2.50 ± 0.01 |\n| no \\| bypass, _a_ | – |\n\n- 1 "
        "of 2 seeds failed\n");
}

TEST_CASE("CSV holds full values and quotes commas, quotes and line ends", "[table]") {
  Table table = table_test::small();
  table.rows[1][1].value = 1.0 / 3.0;
  table.rows[0][0].text = "say \"a\"\nb";
  CHECK(to_csv(table) ==
        "row,bpb\r\n\"say \"\"a\"\"\nb\",2.5\r\n\"no | bypass, _a_\",0.3333333333333333\r\n");
}

TEST_CASE("JSON rows are objects by column", "[table]") {
  CHECK(to_json(table_test::small()).dump() ==
        R"({"title":"a sweep","rows":[{"row":"base","bpb":2.5},{"row":"no | bypass, _a_","bpb":"–"}],)"
        R"("notes":["1 of 2 seeds failed"]})");
}

TEST_CASE("LaTeX and HTML escape what they would take for commands", "[table]") {
  CHECK(to_latex(table_test::small()).find("no | bypass, \\_a\\_ & -- \\\\") != std::string::npos);
  CHECK(to_latex(table_test::small()).find("2.50 $\\pm$ 0.01") != std::string::npos);
  Table table = table_test::small();
  table.rows[0][0].text = "a<b&c";
  CHECK(to_html(table).find("<td>a&lt;b&amp;c</td><td align=\"right\">") != std::string::npos);
}

TEST_CASE("an unknown format is refused with the known ones", "[table]") {
  CHECK_THROWS_WITH(format_table(table_test::small(), "cvs"),
                    "command line: --format = cvs: unknown format; did you mean 'csv'? "
                    "known: csv, html, json, latex, md, text");
}
