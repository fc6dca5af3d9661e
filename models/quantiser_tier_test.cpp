#include "models/quantiser_tier.h"

#include "core/testing/catch.h"

using namespace subband;

namespace quantiser_tier_test {

TEST_CASE("the scale of a projection decides its tier, and memories, norms and biases have none",
          "[quantiser_tier]") {
  const auto of_scale = [](int64_t scale) { return tier_of({.role = Role::mixing, .scale = scale}); };
  CHECK(of_scale(2) == QuantiserTier::mixer_coarse);
  CHECK(of_scale(3) == QuantiserTier::mixer_mid);
  CHECK(of_scale(5) == QuantiserTier::mixer_mid);
  CHECK(of_scale(6) == QuantiserTier::mixer_fine);
  CHECK(tier_of({.role = Role::gate}) == QuantiserTier::mlp);
  for (const Role role : {Role::memory_key, Role::memory_value, Role::norm, Role::bias, Role::gain,
                          Role::decay, Role::router, Role::low_rank})
    CHECK(tier_of({.role = role, .scale = 1}) == QuantiserTier::none);
}

TEST_CASE("tiers are called by their names", "[quantiser_tier]") {
  for (const std::string& name : tier_names()) CHECK(name_of(*tier_named(name)) == name);
  CHECK(tier_named("mlp") == QuantiserTier::mlp);
  CHECK(name_of(QuantiserTier::embedding) == "embedding");
  CHECK_FALSE(tier_named("none"));
}

}  // namespace quantiser_tier_test
