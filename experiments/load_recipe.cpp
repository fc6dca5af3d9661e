#include "experiments/load_recipe.h"

#include <CLI/CLI.hpp>

#include "core/files.h"

namespace subband {

void RecipeRequest::add_to(CLI::App& app) {
  app.add_option("recipe", name, "a recipe's name, or a .yaml file")->required();
  app.add_option("overrides", overrides, "changes: net.width=64, optimizer=adamw, ~net.block.bypass");
  app.add_option("--config-dir", folders, "one more folder to search for recipes, data and nets")
      ->allow_extra_args(false);
}

config::Composition compose_recipe(const Registry& registry, const RecipeRequest& request) {
  return config::compose({.primary = request.name,
                          .overrides = request.overrides,
                          .folders = config::standard_folders(program_root(), request.folders),
                          .registry = &registry});
}

Recipe load_recipe(const Registry& registry, const RecipeRequest& request, config::Warnings* warnings) {
  config::Composition composed = compose_recipe(registry, request);
  if (warnings != nullptr)
    warnings->insert(warnings->end(), composed.warnings.begin(), composed.warnings.end());
  const std::filesystem::path file(request.name);
  const bool is_file = file.extension() == ".yaml";
  return bind_recipe(registry, is_file ? file.stem().string() : request.name, composed.config);
}

}  // namespace subband
