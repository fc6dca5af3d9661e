// The sample text of a recipe.
#pragma once
#include <c10/core/Device.h>

#include <string>

#include "experiments/recipe.h"

namespace subband {

/// The prompt of `samples:` and what the net goes on with, drawn with the recipe's seed. ConfigError when the prompt has no
/// tokens.
std::string sample_text(Net& net, const Recipe& recipe, at::Device device);

}  // namespace subband
