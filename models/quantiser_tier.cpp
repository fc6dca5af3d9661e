#include "models/quantiser_tier.h"

#include <algorithm>

namespace subband {

static QuantiserTier tier_of_scale(int64_t scale) {
  if (scale <= 2) return QuantiserTier::mixer_coarse;
  return scale <= 5 ? QuantiserTier::mixer_mid : QuantiserTier::mixer_fine;
}

QuantiserTier tier_of(const Purpose& purpose) {
  switch (purpose.role) {
    case Role::input_projection:
    case Role::hidden_projection:
    case Role::residual_output:
    case Role::gate:
    case Role::mixing:
      return purpose.scale ? tier_of_scale(*purpose.scale) : QuantiserTier::mlp;
    case Role::lifting:
      return QuantiserTier::lifting;
    case Role::embedding:
    case Role::head:
      return QuantiserTier::embedding;
    default:
      return QuantiserTier::none;
  }
}

const std::vector<std::string>& tier_names() {
  static const std::vector<std::string> names = {"mixer_coarse", "mixer_mid", "mixer_fine", "mlp", "lifting", "embedding"};
  return names;
}

const std::string& name_of(QuantiserTier tier) { return tier_names().at(static_cast<size_t>(tier) - 1); }

std::optional<QuantiserTier> tier_named(std::string_view name) {
  const auto found = std::ranges::find(tier_names(), name);
  if (found == tier_names().end()) return {};
  return static_cast<QuantiserTier>(found - tier_names().begin() + 1);
}

}  // namespace subband
