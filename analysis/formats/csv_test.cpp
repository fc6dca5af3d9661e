#include "analysis/testing/example_report.h"
#include "core/testing/catch.h"

namespace subband::csv_format_test {

using testing::example_report;
using testing::written;

TEST_CASE("CSV holds full values, empty fields where nothing is known, and columns for data", "[format]") {
  Report report = example_report();
  auto& rows = std::get<Table>(report.blocks[0]).rows;
  rows[0][1].value = 1.0 / 3.0;
  rows[0][0].text = "say \"a\"\nb";
  CHECK(written("csv", report) ==
        "row,bpb,sd\r\n\"say \"\"a\"\"\nb\",0.3333333333333333,0.01\r\n\"no | bypass, _a_\",,\r\n");
}

TEST_CASE("CSV guards formulas in titles and cells, and numbers stay numbers", "[format]") {
  Table table{.columns = {{"=1+1"}, {"x"}},
              .rows = {{{"@SUM(1)"}, {"++optimizer.lr=1"}}, {{"-0.5"}, number_cell("−2.5", -2.5)}}};
  CHECK(written("csv", {.blocks = {table}}) ==
        "\"'=1+1\",x\r\n\"'@SUM(1)\",\"'++optimizer.lr=1\"\r\n-0.5,-2.5\r\n");
}

}  // namespace subband::csv_format_test
