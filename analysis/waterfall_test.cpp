#include "analysis/waterfall.h"

#include "core/testing/catch.h"

namespace subband::waterfall_test {

// Three rows over four seeds; `effects`: what each row adds to the one before, besides what the seeds do to all.
static Comparison ladder(const std::vector<double>& effects) {
  Comparison comparison{.name = "s", .metric = "valid.bpb", .goal = "min"};
  double effect = 0;
  std::string before;
  for (size_t i = 0; i <= effects.size(); ++i) {
    if (i > 0) effect += effects[i - 1];
    ComparedRow row{.label = i == 0 ? "base" : "+ " + std::to_string(i), .baseline = before};
    std::vector<double> values;
    for (int64_t seed = 0; seed < 4; ++seed) {
      row.values[seed] = 2 + effect + 0.3 * static_cast<double>(seed) + (seed % 2 == 0 ? 0.01 : -0.01) * static_cast<double>(i);
      values.push_back(row.values[seed]);
    }
    row.summary = summarize(values);
    if (i > 0) row.difference = paired_difference(row.values, comparison.rows.back().values);
    before = row.label;
    comparison.rows.push_back(row);
  }
  return comparison;
}

TEST_CASE("a waterfall finds the planted effect among changes without one", "[waterfall]") {
  const auto table = waterfall_table(ladder({0.0, -0.4, 0.0}));
  REQUIRE(table);
  REQUIRE(table->rows.size() == 5);
  CHECK(table->rows[0][0].text == "base");
  CHECK(table->rows[2][0].text == "+ 2");
  CHECK(table->rows[2][2].value.get<double>() == Approx(-0.4));
  CHECK(table->rows[2][3].value.get<double>() < -0.4);
  CHECK(table->rows[2][4].value.get<double>() < 0);
  CHECK(table->rows[2][5].text == "100 %");
  CHECK(table->rows[1][3].value.get<double>() < 0);
  CHECK(table->rows[1][4].value.get<double>() > 0);
  CHECK(table->rows[4][0].text == "in all");
  CHECK(table->rows[4][2].value.get<double>() == Approx(-0.4));
  double sum = 0;
  for (size_t i = 1; i < 4; ++i) sum += table->rows[i][2].value.get<double>();
  CHECK(sum == Approx(table->rows[4][2].value.get<double>()));
}

TEST_CASE("rows that are no ladder have no waterfall", "[waterfall]") {
  Comparison comparison = ladder({1, 1});
  comparison.rows[2].baseline = "base";
  CHECK_FALSE(waterfall_table(comparison));
  CHECK_FALSE(waterfall_table(ladder({1})));
}

}  // namespace subband::waterfall_test
