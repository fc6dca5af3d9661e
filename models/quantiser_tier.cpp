#include "models/quantiser_tier.h"

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

}  // namespace subband
