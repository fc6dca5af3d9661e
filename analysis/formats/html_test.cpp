#include "analysis/testing/example_report.h"
#include "core/testing/catch.h"
#include "core/testing/read_back.h"

namespace subband::html_format_test {

using testing::example_report;
using testing::written;

TEST_CASE("HTML is a table with the title as its caption, and paragraphs", "[format]") {
  CHECK(written("html", example_report()) ==
        "<table>\n<caption>a sweep</caption>\n<tr><th>row</th><th align=\"right\">bpb</th></tr>\n"
        "<tr><td>base</td><td align=\"right\">2.50 ± 0.01</td></tr>\n"
        "<tr><td>no | bypass, _a_</td><td align=\"right\">–</td></tr>\n</table>\n"
        "<p>? base: claimed worse; found nothing</p>\n<p>1 of 2 seeds failed</p>\n");
}

TEST_CASE("a reader of HTML finds no tag in a nasty report but ours", "[format]") {
  if (!testing::has_reader("html")) return;
  const auto found = testing::read_back("html", written("html", testing::nasty_report()));
  CHECK(found["tags"] == std::vector<std::string>{"a", "caption", "code", "p", "table", "td", "th", "tr"});
}

}  // namespace subband::html_format_test
