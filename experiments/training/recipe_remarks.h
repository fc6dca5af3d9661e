// What is known of a recipe before it is trained: what would spoil it, and what its writer may not have meant.
#pragma once
#include <string>
#include <vector>

#include "experiments/recipe.h"

namespace subband {

/// ConfigError (`bad_value`) where sample text is asked for and the tokeniser makes no token of its prompt. A tokeniser
/// whose files are missing is not asked.
void check_prompt(const Recipe& recipe);

/// What is legal and seldom meant, one line each: `place: what = value: remark`.
std::vector<std::string> recipe_remarks(const Recipe& recipe);

struct RecipeCost {
  int64_t parameters = 0;
  double flops = 0;  ///< of one forward pass over one sequence
};
struct Machine {
  int cores = 1;
  double memory_bytes = 0;
};
Machine this_machine();
/// What cannot be done on the CPU of a machine, by bounds that no machine beats; nothing where the run is for a GPU.
std::vector<std::string> cost_remarks(const Recipe& recipe, const RecipeCost& cost,
                                      const Machine& machine = this_machine());

}  // namespace subband
