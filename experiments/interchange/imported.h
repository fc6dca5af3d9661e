// What the formats of `subband import` share.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

#include "core/program/command.h"
#include "experiments/recipe.h"

namespace subband {

/// What was written.
struct Imported {
  std::filesystem::path checkpoint;
  std::string model_type;  ///< as the other program calls it; may be empty
  int64_t parameters = 0;
  size_t tensors = 0;
};

void say_imported(const Imported& imported, const CommonOptions& options);

/// Gives the recipe the vocabulary that the weights have, and warns where its tokeniser has another. `whose`: what has it.
void take_vocabulary(Recipe& recipe, int64_t vocabulary, const std::string& whose);

}  // namespace subband
