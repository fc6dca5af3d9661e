// A flat `config.json` of WaveletLM as a recipe. Its keys go through one table, `flat_keys.cpp`; missing
// ones take the original's defaults, which are not always ours.
#pragma once
#include <string>

#include "core/config/search_path.h"

namespace subband::waveletlm {

/// The recipe that a flat config stands for; values keep their places in the file. Keys that the original
/// reads by nothing, or that have nothing to do here, each leave a line in `warnings`.
/// ConfigError with every mistake: no JSON, an unknown key, a value of the wrong type, a required key that
/// is missing.
config::Node recipe_of_flat_config(const std::string& text, const std::string& source,
                                   config::Warnings& warnings);

}  // namespace subband::waveletlm
