#include "analysis/bench/measure_packed.h"

#include "core/testing/catch.h"

namespace measure_packed_test {

using namespace subband;

TEST_CASE("packed weights are measured beside fp32 ones and beside reading", "[bench]") {
  std::vector<std::string> told;
  const PackedBenchPlan plan{.rows = 24, .columns = 160, .weights_mib = 0, .inputs = 2, .rounds = 2};
  const Report report = measure_packed(plan, [&](const std::string& text) { told.push_back(text); });
  const Table& table = std::get<Table>(report.blocks[0]);
  REQUIRE(table.rows.size() == 10);
  CHECK(table.rows[1][0].text == "fp32");
  CHECK(table.rows[1][5].text == "1.00");
  CHECK(table.rows[5][0].text == "4 bits, groups of 128");
  for (const auto& row : table.rows) CHECK(row.size() == table.columns.size());
  CHECK(told.back() == "round 2 of 2");
}

}  // namespace measure_packed_test
