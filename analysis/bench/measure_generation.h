// Measures text from a whole net: streaming, with weights of few bits, with its window read again, and a prompt.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "analysis/report.h"
#include "experiments/recipe.h"

namespace subband {

struct GenerationBenchPlan {
  int rounds = 5;
  int64_t prompt = 4096;  ///< tokens, read once; 0: none
  bool packed = true;     ///< 8 and 4 bits a weight too
  bool window = true;     ///< the window of the recipe's length read again for a token too
  bool peers = false;     ///< `transformers` on the same folder too, where the net can be exported and a Python has it
};

/// One row each: milliseconds of a token (one text, as `generate` draws it), how many times fp32's rate, and the share of
/// what the machine allows in the same run: reading the weights that a token uses, each as often as it is used, at the rate
/// at which they are summed up; or the products of a window at the rate of the same matrices multiplied alone. Weights are
/// the recipe's initial ones. All but the prompt run in turn, in an order shuffled every round; medians of ratios of each
/// round. ConfigError where the recipe's task writes no text, Error where a peer writes another text.
Report measure_generation(const Recipe& recipe, const GenerationBenchPlan& plan,
                          const std::function<void(const std::string&)>& tell);

}  // namespace subband
