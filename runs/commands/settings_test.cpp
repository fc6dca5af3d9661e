#include "runs/commands/settings.h"

#include "core/testing/catch.h"

namespace subband::settings_test {

static RunSummary run(const std::string& recipe, const std::string& config) {
  return {.recipe = recipe, .config = config};
}

TEST_CASE("settings are the leaves of a config", "[settings]") {
  const RunSummary parsed =
      run("a", R"({"net": {"width": 8, "mixer": {"type": "wer=sa"}, "list": [1, 2]}, "text": "x\ny", "empty": {}})");
  const Settings expected = {
      {"empty", "{}"}, {"net.list", "[1,2]"}, {"net.mixer.type", "wer=sa"}, {"net.width", "8"}, {"text", "x\ny"}};
  CHECK(settings_of(parsed) == expected);
  RunSummary kept = run("a", "");
  kept.leaves = {std::make_shared<std::vector<std::string>>(std::vector<std::string>{
                     "text=x\ny", "net.width=8", "empty={}", "net.list=[1,2]", "net.mixer.type=wer=sa"}),
                 {2, 3, 4, 1, 0}};
  CHECK(settings_of(kept) == expected);
  CHECK(settings_of(run("a", "damaged")).empty());
}

TEST_CASE("of each run what is not as in most runs of its recipe is told, the seed apart", "[settings]") {
  const std::vector<RunSummary> runs = {run("a", R"({"seed": 1, "net": {"width": 8, "bypass": "mean"}})"),
                                        run("a", R"({"seed": 2, "net": {"width": 8, "bypass": "none"}})"),
                                        run("a", R"({"seed": 3, "net": {"width": 16, "bypass": "mean"}})"),
                                        run("a", R"({"seed": 4, "net": {"width": 8}})"),
                                        run("b", R"({"seed": 1, "net": {"width": 99}})"),
                                        run("b", "")};
  CHECK(differing_settings(runs) ==
        std::vector<std::string>{"", "net.bypass=none", "net.width=16", "net.bypass=–", "", ""});
}

}  // namespace subband::settings_test
