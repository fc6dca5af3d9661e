#include "analysis/testing/example_report.h"
#include "core/languages/letters.h"
#include "core/testing/catch.h"
#include "core/testing/read_back.h"

namespace subband::md_format_test {

using testing::example_report;
using testing::written;

TEST_CASE("Markdown has the title, the table, and one list of claims and notes", "[format]") {
  CHECK(written("md", example_report()) ==
        "## a sweep\n\n| row | bpb |\n|---|--:|\n| base | 2.50 ± 0.01 |\n| no \\| bypass, \\_a\\_ | – |\n\n"
        "- ? base: claimed worse; found nothing\n- 1 of 2 seeds failed\n");
}

TEST_CASE("a picture stands in a report that lies beside it", "[format]") {
  Report report{.title = "t",
                .is_page = true,
                .blocks = {Paragraph{{{"all of "}, {"a|b", Look::code}}},
                           Curves{"my sweep", "logs/my sweep.svg", "sweeps/my sweep.svg"}}};
  CHECK(written("md", report) ==
        "# t\n\nall of `a\\|b`\n\n![learning curves of my sweep](sweeps/my%20sweep.svg)\n");
}

TEST_CASE("GitHub's reader finds every nasty name of a report", "[format]") {
  if (!testing::has_reader("gfm")) return;
  const Report report = testing::nasty_report();
  const auto cells = testing::cells_read_back("gfm", written("md", report));
  const auto held = [](const std::string& text) {
    return rewritten(text, [](std::string& out, const Letter& letter, std::string_view bytes) {
      out += letter.is_printed || bytes == "\n" || bytes == "\r" || bytes == "\t" ? std::string(bytes)
                                                                                  : escape_of(letter);
    });
  };
  std::vector<std::string> expected = {report.title, "row, `touch PWNED` | <b>", "=1+1"};
  for (const std::string& name : testing::nasty_names())
    expected.insert(expected.end(), {held(name), held(name) + held(name)});
  for (const std::string& name : testing::nasty_names())
    if (!name.empty()) expected.push_back(held(name));
  REQUIRE(cells.size() == expected.size());
  for (size_t i = 0; i < cells.size(); ++i) CHECK(cells[i] == expected[i]);
}

}  // namespace subband::md_format_test
