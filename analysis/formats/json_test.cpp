#include <limits>

#include "analysis/testing/example_report.h"
#include "core/testing/catch.h"

namespace subband::json_format_test {

using testing::example_report;
using testing::written;
using Value = nlohmann::ordered_json;

TEST_CASE("JSON rows are objects by column, and what is not known is null", "[format]") {
  const Value document = Value::parse(written("json", example_report()));
  CHECK(
      document.dump() ==
      R"({"title":"a sweep","rows":[{"row":"base","bpb":2.5,"sd":0.01},{"row":"no | bypass, _a_","bpb":null,"sd":null}],)"
      R"("notes":["? base: claimed worse; found nothing","1 of 2 seeds failed"],"cells":2,)"
      R"("claims":[{"row":"base","is":"worse","by":0.0,"holds":null,"found":"nothing"}],"picture":null})");
}

TEST_CASE("columns of one title are kept apart, and what is no number is a word", "[format]") {
  const double inf = std::numeric_limits<double>::infinity();
  const Table table{.columns = {{"params"}, {"params"}, {"params"}},
                    .rows = {{number_cell("1", 1), number_cell("inf", inf), number_cell("nan", inf - inf)}}};
  const Value document = Value::parse(written("json", {.blocks = {table}}));
  CHECK(document["rows"][0].dump() == R"x({"params":1.0,"params (2)":"inf","params (3)":"nan"})x");
}

}  // namespace subband::json_format_test
