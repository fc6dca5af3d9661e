#include "analysis/bench/measure_ops.h"

#include <algorithm>
#include <set>

#include "analysis/bench/op_cases.h"
#include "core/ops/op_paths.h"
#include "core/testing/catch.h"
#include "core/text.h"

namespace measure_ops_test {

using namespace subband;

TEST_CASE("operations are measured beside their references, forward and back", "[bench]") {
  std::vector<std::string> told;
  const OpBenchPlan plan{.ops = {"running_mean", "token_attention"}, .batch = 1, .length = 9, .width = 4, .rounds = 2};
  const Report report = measure_ops(plan, [&](const std::string& text) { told.push_back(text); });
  const Table& table = std::get<Table>(report.blocks[0]);
  REQUIRE(table.rows.size() == 3);
  CHECK(table.rows[0][0].text == "running_mean");
  CHECK(table.rows[1][0].text == "running_mean, and back");
  CHECK(table.rows[2][0].text == "token_attention");
  for (const auto& row : table.rows) {
    REQUIRE(row.size() == table.columns.size());
    CHECK(row[5].value.get<double>() > 0);
  }
  CHECK(told.back() == "round 2 of 2");
}

TEST_CASE("every operation with loops has a bench, but for what is part of another one's", "[bench]") {
  std::set<std::string> benched = {"unpacked"};  // by `bench packed`
  for (const OpCase& each : op_cases({.batch = 1, .length = 4, .width = 8})) {
    CAPTURE(each.op);
    CHECK(benched.insert(each.op).second);
    CHECK(each.run(each.inputs, each.fast).defined());
  }
  for (const OpInfo& op : known_ops())
    for (const std::string& path : op.paths)
      if (path == "loops") CHECK(benched.count(op.name) == 1);
}

TEST_CASE("operations that are not there, and widths that no transform takes, are refused", "[bench]") {
  const auto nobody = [](const std::string&) {};
  std::vector<std::string> known;
  for (const OpCase& each : op_cases({.batch = 1, .length = 4, .width = 8})) known.push_back(each.op);
  std::sort(known.begin(), known.end());
  CHECK_THROWS_WITH(measure_ops({.ops = {"fwth"}}, nobody),
                    "command line: fwth: no operation that can be benched; did you mean 'fwht'? known: " +
                        join(known, ", "));
  CHECK_THROWS_WITH(measure_ops({.width = 12}, nobody),
                    "command line: --width = 12: must be a power of two for `bench ops`");
}

}  // namespace measure_ops_test
