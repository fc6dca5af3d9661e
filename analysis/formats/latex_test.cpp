#include "analysis/testing/example_report.h"
#include "core/testing/catch.h"
#include "core/text.h"

namespace subband::latex_format_test {

using testing::example_report;
using testing::written;

TEST_CASE("LaTeX sets the table, and passes over what is said below it", "[format]") {
  CHECK(written("latex", example_report()) ==
        "\\begin{tabular}{lr}\n\\hline\nrow & bpb \\\\\n\\hline\nbase & 2.50 $\\pm$ 0.01 \\\\\n"
        "no \\textbar{} bypass, \\_a\\_ & -- \\\\\n\\hline\n\\end{tabular}\n"
        "% ? base: claimed worse; found nothing\n% 1 of 2 seeds failed\n");
}

TEST_CASE("every row of a nasty report is one line of LaTeX with as many cells as columns", "[format]") {
  size_t rows = 0;
  for (const std::string& line : split(written("latex", testing::nasty_report()), '\n')) {
    if (!line.ends_with(" \\\\")) continue;
    ++rows;
    size_t cells = 1;
    for (size_t at = 0; (at = line.find(" & ", at)) != std::string::npos; ++at) ++cells;
    CHECK(cells == 2);
  }
  CHECK(rows == testing::nasty_names().size() + 1);
}

}  // namespace subband::latex_format_test
