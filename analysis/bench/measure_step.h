// Measures one training step of a recipe: this program's, the same with fast paths off, and other people's.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "analysis/bench/step_bench.h"
#include "experiments/recipe.h"

namespace subband {

struct StepBenchPlan {
  std::vector<std::string>
      without;            ///< operations that take their reference in a row of their own; `all`: all at once
  bool peers = false;     ///< other people's nets too, where a Python with torch is found
  bool compiled = false;  ///< also those that torch.compile has made
  int rounds = 20;
};

/// All contenders start from the same weights, see the same batches and take turns, in an order shuffled anew every round,
/// after their first losses have been found equal to four digits. The row `again` is this program a second time: its
/// ratio must contain 1. ConfigError for an unknown operation; Error where a loss differs.
StepBench measure_step(const Recipe& recipe, const StepBenchPlan& plan,
                       const std::function<void(const std::string&)>& tell);

}  // namespace subband
