#include "experiments/price.h"

#include "core/config/yaml.h"
#include "core/testing/catch.h"
#include "experiments/load_recipe.h"
#include "experiments/parts.h"
#include "experiments/training/recipe_remarks.h"

namespace price_test {

using namespace subband;

static Recipe priced_recipe(const std::vector<std::string>& overrides) {
  static const Registry registry = [] {
    Registry all;
    register_parts(all);
    return all;
  }();
  return load_recipe(registry, {.name = "wikitext_103/waveletlm_883m", .overrides = overrides});
}

TEST_CASE("a price reads as a sentence, and says what is known", "[price]") {
  const auto text = [](const char* yaml) { return price_text(config::parse_yaml(yaml, "t")); };
  CHECK(text("price: {steps: 292285, hours: 16.25, memory_gib: 17.8, device: one GPU}") ==
        "292,285 steps, 16.25 h, 17.8 GiB on one GPU");
  CHECK(text("price: {steps: null, hours: 63.77, memory_gib: null, device: one GPU}") == "63.77 h on one GPU");
  CHECK(text("price: {device: one GPU}").empty());
  CHECK(text("net: wavelet_lm").empty());
}

TEST_CASE("a price names no run, and recipes without one have none", "[price]") {
  const Recipe published = priced_recipe({});
  CHECK(price_text(published.resolved) == "292,285 steps, 16.25 h, 17.8 GiB on one GPU");
  CHECK(published.identity.at("price") == nullptr);
  CHECK(priced_recipe({"price.hours=1"}).identity == published.identity);
  CHECK(priced_recipe({"~price"}).resolved.at("price") == nullptr);
}

TEST_CASE("what was published of its length bounds what a CPU needs for a recipe of epochs", "[price]") {
  const Recipe recipe = priced_recipe({"trainer.device=cpu", "trainer.precision=fp32"});
  const auto remarks = cost_remarks(recipe, {.parameters = 882'511'981, .flops = 5e11}, {2, 1e12});
  REQUIRE(remarks.size() == 1);
  CHECK(remarks[0] ==
        "wikitext_103/waveletlm_883m: takes more than 203 days on the CPU of this machine, 2 cores, however fast they are; it is meant "
        "for trainer.device=cuda");
}

}  // namespace price_test
