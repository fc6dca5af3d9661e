// Dry sanity: what a recipe would do in its first step, tried on one small batch before it costs hours.
#pragma once
#include <optional>

#include "core/error.h"
#include "experiments/recipe.h"

namespace subband {

/// Builds the net on the meta device and takes one forward and one backward pass over a batch of one short window: with
/// weights where it has at most `most_parameters`, else there, where shapes are computed and no memory is used. Returns
/// whether it had weights. ConfigError (`bad_value`) with what went wrong: a part that refuses its input, a loss that is
/// not finite, a parameter whose gradient is not.
bool check_recipe(const Recipe& recipe, int64_t most_parameters);

/// The same in a process of its own, so that the caller's touches no thread pool; nothing where all is well.
std::optional<Problem> check_recipe_apart(const Recipe& recipe, int64_t most_parameters);

}  // namespace subband
