// Trains one recipe from first step to final evaluation. Knows nothing of where results are kept.
#pragma once
#include <atomic>
#include <filesystem>

#include "experiments/observer.h"
#include "experiments/recipe.h"

namespace subband {

struct ExperimentOptions {
  std::filesystem::path checkpoints;  ///< folder for checkpoints; an intact newest one there is resumed from
  std::filesystem::path cache;        ///< folder for tokenised corpora
  Observer* observer = nullptr;       ///< may be null
  const std::atomic<bool>* stop = nullptr;  ///< when it turns true: checkpoint and return `stopped`
  std::atomic<bool>* checkpoint = nullptr;  ///< when it turns true: checkpoint, set it back and go on
  bool other_machine =
      false;  ///< goes on from a checkpoint of a machine on which operations ran in another way
};

/// Runs to the end, or to the first failure that is a result (NaN, divergence, memory, time). Bit-identical on the CPU
/// whether or not it was stopped and resumed on the way. ConfigError and Error for what is no result.
Outcome run_experiment(const Recipe& recipe, const ExperimentOptions& options);

/// Every number that a run of the recipe may report: those of its task, its estimates, and those of training.
std::vector<MetricInfo> reported_metrics(const Recipe& recipe);

}  // namespace subband
