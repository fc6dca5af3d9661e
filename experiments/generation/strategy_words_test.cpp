#include "experiments/generation/strategy_words.h"

#include "core/testing/catch.h"
#include "core/error.h"
#include "experiments/testing/tiny.h"

namespace strategy_words_test {
using namespace subband;
using config::to_json;

static void bound(const StrategyWords& words) { bound_strategies(testing::tiny_parts(), words.spec()); }

TEST_CASE("presets are those of the original", "[strategy_words]") {
  CHECK(to_json(StrategyWords{}.spec()) == R"({"repetition_penalty": {"penalty": 1.1}, "nucleus": {"top_p": 0.95}})");
  CHECK(to_json(StrategyWords{.standard = true}.spec()) == "{}");
  CHECK(to_json(StrategyWords{.all = true}.spec()) ==
        R"({"repetition_penalty": {"penalty": 1.2}, "nucleus": {"top_p": 0.85}, )"
        R"("adaptive_temperature": {"lowest": 0.3, "highest": 0.9}, "clean_spacing": {}})");
}

TEST_CASE("options and changes come after the preset", "[strategy_words]") {
  CHECK(to_json(StrategyWords{.standard = true, .temperature = 0.5, .top_p = 0.9, .min_p = 0.1, .top_k = 3}.spec()) ==
        R"({"temperature": {"value": 0.5}, "nucleus": {"top_p": 0.9}, "top_k": {"k": 3}, "min_p": {"share": 0.1}})");
  CHECK(to_json(StrategyWords{.all = true, .temperature = 0.5}.spec()).find("adaptive") == std::string::npos);
  CHECK(to_json(StrategyWords{.changes = {"lookahead", "best_of.texts=3", "~nucleus", "repetition_penalty.penalty=2"}}.spec()) ==
        R"({"repetition_penalty": {"penalty": 2}, "lookahead": {}, "best_of": {"texts": 3}})");
  CHECK_NOTHROW(bound({.changes = {"lookahead", "best_of.texts=3"}}));
}

TEST_CASE("values out of range and words that are none are refused in one line", "[strategy_words]") {
  CHECK_THROWS_WITH(bound({.temperature = -1}), "command line: strategies.temperature.value = -1.0: must be 0 to 100");
  CHECK_NOTHROW(bound({.temperature = 0}));
  CHECK_THROWS_WITH(bound({.top_p = 1.5}), "command line: strategies.nucleus.top_p = 1.5: must be above 0 and at most 1");
  CHECK_THROWS_WITH(bound({.top_p = 0}), "command line: strategies.nucleus.top_p = 0.0: must be above 0 and at most 1");
  CHECK_THROWS_WITH(bound({.changes = {"lokahead"}}),
                    Catch::Contains("unknown sampling 'lokahead'; did you mean 'lookahead'?"));
  CHECK_THROWS_WITH(bound({.changes = {"lookahead.dept=3"}}), Catch::Contains("did you mean 'depth'?"));
  CHECK_THROWS_WITH(bound({.changes = {"~lookahead"}}), "command line: --with ~lookahead: is not there to be removed");
  CHECK_THROWS_WITH(bound({.changes = {"lookahead.depth=1,2"}}),
                    "command line: --with lookahead.depth=1,2: expected a strategy, STRATEGY.FIELD=VALUE or ~STRATEGY");
}

}  // namespace strategy_words_test
