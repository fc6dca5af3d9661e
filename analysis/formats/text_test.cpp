#include "core/text.h"
#include "analysis/testing/example_report.h"
#include "core/languages/terminal.h"
#include "core/testing/catch.h"

namespace subband::text_format_test {

using testing::example_report;
using testing::written;

TEST_CASE("a terminal table is aligned by columns, not bytes", "[format]") {
  CHECK(written("text", example_report()) ==
        "a sweep\n"
        "row                       bpb\n"
        "────────────────  ───────────\n"
        "base              2.50 ± 0.01\n"
        "no | bypass, _a_            –\n"
        "? base: claimed worse; found nothing\n"
        "1 of 2 seeds failed\n");
}

TEST_CASE("a terminal table is cut to its width with an ellipsis, wide letters and names alike", "[format]") {
  Report report = example_report();
  auto& rows = std::get<Table>(report.blocks[0]).rows;
  rows[0][0].text = std::string(200, 'x');
  rows[1][0].text = "日本語の行日本語の行日本語の行日本語の行日本語の行日本語の行";
  for (const size_t width : {36, 60, 100}) {
    for (const std::string& line : split(written("text", report, width), '\n'))
      CHECK(display_width(line) <= width);
  }
  CHECK(written("text", report, 30).find("xxx…  2.50") != std::string::npos);
  CHECK(written("text", report, 30).find("日本語の行日本語…") != std::string::npos);
}

TEST_CASE("rows that differ at their ends still differ when they are cut", "[format]") {
  Report report = example_report();
  auto& rows = std::get<Table>(report.blocks[0]).rows;
  rows[0][0].text = "optimizer.lr=0.1, net.block.levels=5";
  rows[1][0].text = "optimizer.lr=0.1, net.block.levels=6";
  const std::string text = written("text", report, 34);
  CHECK(text.find("optimizer.…k.levels=5") != std::string::npos);
  CHECK(text.find("optimizer.…k.levels=6") != std::string::npos);
}

TEST_CASE("the best row is marked, in colour where there is colour", "[format]") {
  Report report = example_report();
  auto& table = std::get<Table>(report.blocks[0]);
  table.columns.push_back({.title = "notes"});
  table.rows[0].push_back({}), table.rows[1].push_back({.text = "worse"});
  table.best = 0;
  CHECK(written("text", report).find("base              2.50 ± 0.01  best\n") != std::string::npos);
  const std::string lit = make_format("text", {.has_colour = true})->write(report);
  CHECK(lit.find("\033[1;32mbase              2.50 ± 0.01  best\033[0m\n") != std::string::npos);
  table.best = 1;
  CHECK(written("text", report).find("best; worse\n") != std::string::npos);
}

TEST_CASE("a terminal obeys nothing of a report", "[format]") {
  const std::string text = written("text", testing::nasty_report(), SIZE_MAX);
  CHECK(shown_lines(text) == text);
  CHECK(text.find("\\x1b[31mred\\x1b[0m") != std::string::npos);
}

}  // namespace subband::text_format_test
