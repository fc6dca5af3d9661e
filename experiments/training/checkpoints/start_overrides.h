// Training on from weights that are there: imported ones, or those of an earlier run. The optimiser begins anew.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/load_recipe.h"

namespace subband {

/// The overrides that make `request` train on from a checkpoint, to stand before its own: net and tokeniser are those of
/// the checkpoint, `trainer.weights` names it, everything else is the recipe's. ConfigError where the request chooses a net
/// or a tokeniser itself.
std::vector<std::string> start_overrides(const Registry& registry, const RecipeRequest& request,
                                         const std::filesystem::path& checkpoint);

}  // namespace subband
