#include <cmath>
#include <nlohmann/json.hpp>

#include "core/testing/catch.h"
#include "experiments/commands/commands.h"
#include "experiments/testing/corpora.h"

using namespace subband;

TEST_CASE("list metric says what a recipe's runs report and what an untrained answer costs",
          "[list_metrics]") {
  const auto [code, text] = testing::output_of(
      command_list_metrics, {"mqar/attention", "task.test_lengths=[256]", "task.test_pairs=[8]", "--json"});
  REQUIRE(code == 0);
  const auto json = nlohmann::json::parse(text);
  CHECK(json["task"] == "mqar");
  CHECK(json["objective"] == "cross-entropy of the tokens that are asked for");
  CHECK(json["protocols"].empty());
  std::map<std::string, std::string> goals;
  for (const auto& metric : json["metrics"]) goals[metric["name"]] = metric["goal"];
  CHECK(goals.at("valid.accuracy") == "max");
  CHECK(goals.at("test.loss_256_8") == "min");
  CHECK(goals.at("valid.loss_estimate") == "min");
  CHECK_FALSE(goals.contains("valid.bpb"));
  const auto [text_code, page] = testing::output_of(command_list_metrics, {"tinyshakespeare/wavelet"});
  REQUIRE(text_code == 0);
  CHECK_THAT(page,
             Catch::StartsWith("tinyshakespeare/wavelet: task language_model; minimises the cross-entropy of "
                               "the next token; an untrained answer costs 5.5452\n") &&
                 Catch::ContainsSubstring("protocol streaming") && Catch::ContainsSubstring("valid.bpb"));
}
