#include "experiments/quantisation/quantisation_config.h"

#include <algorithm>

#include "models/quantiser_tier.h"

namespace subband {

void QuantisationConfig::bind(Binder& b) {
  for (const std::string& tier : tier_names()) {
    int64_t& value = bits.try_emplace(tier, kLeftAlone).first->second;
    b.field(tier, value, {2, kLeftAlone}, "bits a weight of this tier: 8, 4, 3 or 2; 16: left alone").since(kLeftAlone);
    b.check(value == 8 || value <= 4 || value == kLeftAlone, tier, "must be 16, 8, 4, 3 or 2");
  }
  b.choice("group", group, {"original", "tensor", "row", "32", "64", "128", "256"},
           "values with one scale; original: a row, of an embedding table all of it")
      .since("original");
  b.field("symmetric", symmetric, "false: a zero beside every scale").since(true);
  b.choice("method", method, {"nearest", "gptq"}, "nearest: to the nearest value; gptq: with error feedback").since("nearest");
  b.field("calibration_tokens", calibration_tokens, {1, 1e9}, "of the training data that gptq is made for, about so many")
      .since(int64_t{16384});
}

bool QuantisationConfig::packs() const {
  return std::ranges::any_of(bits, [](const auto& tier) { return tier.second != kLeftAlone; });
}

QuantisationPlan QuantisationConfig::plan() const {
  QuantisationPlan plan{.symmetric = symmetric};
  if (group != "original") plan.group = packed_group(group, "quantisation");
  for (const auto& [tier, each] : bits)
    if (each != kLeftAlone) plan.bits[*tier_named(tier)] = static_cast<int>(each);
  return plan;
}

}  // namespace subband
