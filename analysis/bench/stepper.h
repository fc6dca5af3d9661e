// What takes training steps, ours or somebody else's, from the same weights and batches.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "analysis/bench/step_bench.h"
#include "core/ops/op_paths.h"
#include "experiments/recipe.h"

namespace subband {

class Stepper {
 public:
  virtual ~Stepper() = default;
  virtual double first_loss() = 0;  ///< of batch 0 with the initial weights
  virtual double step_ms() = 0;
};

/// This program with these paths by force; `row` learns what ran and how much memory a step takes. `cache`: for the data.
std::unique_ptr<Stepper> own_stepper(const Recipe& recipe, const ForcedPaths& forced, const std::filesystem::path& cache,
                                     StepRow& row);
/// A process that is told line by line (analysis/peers/step.py); `row` learns how long it took to begin. Error where it
/// cannot.
std::unique_ptr<Stepper> peer_stepper(const std::vector<std::string>& command, StepRow& row);

/// Weights, batches and the recipe, for other people's nets.
void write_step_inputs(const Recipe& recipe, const std::filesystem::path& folder);

}  // namespace subband
