// From the words of a command line to a bound recipe.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "core/config/compose.h"
#include "experiments/recipe.h"

namespace subband {

class CommandLine;
struct CommonOptions;

/// What names a recipe: `tinyshakespeare/wavelet`, a `.yaml` file, a WaveletLM `config.json`, a run of the store, whose
/// config it then is, or a checkpoint file, for the recipe in it; what to change in it, and more folders to search.
struct RecipeRequest {
  std::string name;
  std::vector<std::string> overrides;
  std::vector<std::filesystem::path> folders;
  const CommonOptions* options = nullptr;  ///< where the store is named; null: runs are not looked for

  /// The words `RECIPE [overrides]`, the first perhaps not `required`, and the option `--config-dir`.
  void add_to(CommandLine& line, bool required = true);
};

/// The composed config, not bound to parts yet. Errors as from config::compose.
config::Composition compose_recipe(const Registry& registry, const RecipeRequest& request);

/// What compose_recipe asks for, where the folders are at hand already.
config::ComposeRequest recipe_request(const Registry& registry, const std::string& name,
                                      const std::vector<std::string>& overrides,
                                      std::vector<config::GroupFolder> folders);

/// What messages, records and tables call it: the name itself, or a file's name without folder and extension.
std::string recipe_name(const std::string& name);

/// Composes and binds. Warnings of the composition are appended to `warnings`. ConfigError with every mistake.
Recipe load_recipe(const Registry& registry, const RecipeRequest& request,
                   config::Warnings* warnings = nullptr);

}  // namespace subband
