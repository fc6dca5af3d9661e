// A recipe becomes a run in the store.
#pragma once
#include "experiments/recipe.h"
#include "runs/conduct.h"

namespace subband {

/// Checksums of what a recipe reads; reads all of it. Error when a file is missing.
DataManifest data_manifest(const Recipe& recipe);

/// Identity, config and data manifest of a recipe.
RunPlan run_plan(const Recipe& recipe);

/// Trains the recipe into the store, or reuses or goes on with what is there; see conduct. Whatever opens its data compares
/// them with the plan's checksums.
RunResult perform(const Recipe& recipe, const RunPlan& plan, const Store& store, const PerformOptions& options);
inline RunResult perform(const Recipe& recipe, const Store& store, const PerformOptions& options) {
  return perform(recipe, run_plan(recipe), store, options);
}

}  // namespace subband
