// Which bit width a quantiser gives a parameter, told by what the parameter is for.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "models/role.h"

namespace subband {

/// Tiers of WaveletLM's quantisation after training; each has a bit width of its own.
enum class QuantiserTier {
  none,          ///< never quantised
  mixer_coarse,  ///< projections of the scales 0 to 2
  mixer_mid,     ///< of the scales 3 to 5
  mixer_fine,    ///< of all finer ones
  mlp,           ///< projections that belong to no scale
  lifting,
  embedding,  ///< embeddings and heads
};

QuantiserTier tier_of(const Purpose& purpose);

/// Those that have a bit width, as people write them: `mixer_coarse`, …
const std::vector<std::string>& tier_names();
const std::string& name_of(QuantiserTier tier);  ///< not of `none`
std::optional<QuantiserTier> tier_named(std::string_view name);

}  // namespace subband
