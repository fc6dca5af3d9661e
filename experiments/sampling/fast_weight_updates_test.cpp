#include "core/config/yaml.h"
#include "core/testing/catch.h"
#include "experiments/testing/sampling.h"

namespace fast_weight_updates_test {
using namespace subband;
using config::Node;

TEST_CASE("fast-weight updates are switched on in every fast-weight memory of the net", "[fast_weight_updates]") {
  const auto part = testing::made_sampling("fast_weight_updates", {{"rate", Node(0.5)}});
  Node recipe = config::parse_yaml(
      "net: {type: wavelet_lm, block: {channel_mixers: {mlp: {type: mlp}, a: {type: fast_weight_memory, keys: 9}, "
      "b: {type: fast_weight_memory}}}}",
      "recipe");
  part->adapt(recipe);
  for (const char* label : {"a", "b"}) {
    const std::string place = std::string("net.block.channel_mixers.") + label;
    CHECK(*recipe.at(place + ".update_rate") == Node(0.5));
    CHECK(*recipe.at(place + ".update_every") == Node(int64_t{64}));
  }
  CHECK(*recipe.at("net.block.channel_mixers.a.keys") == Node(int64_t{9}));
  CHECK(recipe.at("net.block.channel_mixers.mlp.update_rate") == nullptr);
}

TEST_CASE("fast-weight updates need a memory that learns", "[fast_weight_updates]") {
  Node recipe = config::parse_yaml("net: {type: wavelet_lm}", "recipe");
  CHECK_THROWS_WITH(testing::made_sampling("fast_weight_updates")->adapt(recipe),
                    "strategies.fast_weight_updates: the net has no fast_weight_memory that could learn");
}

}  // namespace fast_weight_updates_test
