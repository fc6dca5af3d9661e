#include "analysis/bench/measure_tokens.h"

#include "core/error.h"
#include "core/testing/catch.h"
#include "experiments/parts.h"

using namespace subband;

namespace measure_tokens_test {

static Table measured(TokenBenchPlan plan) {
  Registry registry;
  register_parts(registry);
  plan.width = 8, plan.prompt = 16, plan.rounds = 2;
  const Report report = measure_tokens(registry, plan, [](const std::string&) {});
  return *tables_of(report).at(0);
}

}  // namespace measure_tokens_test

using namespace measure_tokens_test;

TEST_CASE("tokens and prompts are timed for mixers and the net, beside reading keys and values", "[bench]") {
  const Table table =
      measured({.names = {"softmax_attention", "retnet", "wavelet_lm"}, .positions = {8, 40}, .longest_growing = 16});
  REQUIRE(table.rows.size() == 4);
  CHECK(table.columns.size() == 6);
  CHECK(table.rows[3][0].text == "read keys and values");
  CHECK(table.rows[0][1].value.get<double>() > 0);
  CHECK(table.rows[0][2].text == "–");  // its state grows with every token
  CHECK(table.rows[1][2].value.get<double>() > 0);
  for (const size_t row : {0, 1, 2}) CHECK(table.rows[row][4].value.get<double>() > 0);
  CHECK(table.rows[3][4].text == "–");
}

TEST_CASE("what cannot go on is left out, or refused where it is asked for", "[bench]") {
  CHECK_THROWS_WITH(measured({.names = {"wavelt"}, .positions = {8}}),
                    Catch::StartsWith("command line: wavelt: unknown mixer; did you mean 'wavelet'?"));
  CHECK_THROWS_AS(measured({.names = {"fnet"}, .positions = {8}}), ConfigError);
}
