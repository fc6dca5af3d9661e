#include "experiments/generation/sample_config.h"

#include "core/config/yaml.h"
#include "core/testing/catch.h"
#include "experiments/recipe.h"
#include "experiments/testing/tiny.h"

namespace sample_config_test {
using namespace subband;
using config::Node;

static Recipe recipe_with(const std::string& samples) {
  Node config = testing::tiny_config();
  config.set("samples", config::parse_yaml(samples, "samples.yaml"));
  return bind_recipe(testing::tiny_parts(), "tiny", config);
}

TEST_CASE("temperature and top_p of samples are short for parts", "[sample_config]") {
  CHECK(recipe_with("{tokens: 3}").samples.parts.empty());
  const Recipe recipe = recipe_with("{tokens: 3, temperature: 0.5, top_p: 0.9, strategies: {top_k: {k: 3}, min_p: {}}}");
  CHECK(recipe.samples.parts.size() == 4);
}

TEST_CASE("how samples are drawn names no run anew", "[sample_config]") {
  const Recipe plain = recipe_with("{tokens: 3}"), rich = recipe_with("{tokens: 9, strategies: {top_k: {k: 3}, best_of: {}}}");
  CHECK(plain.identity == rich.identity);
  CHECK(plain.parts == rich.parts);
  CHECK(rich.versions.contains("sampling:top_k"));
}

TEST_CASE("strategies of samples that cannot be are refused when the recipe is bound", "[sample_config]") {
  CHECK_THROWS_WITH(recipe_with("{temperature: 0.5, strategies: {adaptive_temperature: {}}}"),
                    Catch::Contains("samples.strategies") && Catch::Contains("both set the temperature; remove one"));
  CHECK_THROWS_WITH(recipe_with("{strategies: {fast_weight_updates: {}}}"),
                    Catch::Contains("fast_weight_updates changes the net, which a run does not do"));
  CHECK_THROWS_WITH(recipe_with("{temperature: -0.1}"), "samples.yaml:1:15: samples.temperature = -0.1: must be 0 to 100");
  CHECK_THROWS_WITH(recipe_with("{top_p: 0}"), "samples.yaml:1:9: samples.top_p = 0: must be above 0 and at most 1");
  CHECK_THROWS_WITH(recipe_with("{tokens: 3, prompt: ''}"), "samples.yaml:1:21: samples.prompt = '': must not be empty");
}

}  // namespace sample_config_test
