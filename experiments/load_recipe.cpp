#include "experiments/load_recipe.h"

#include "core/files.h"
#include "core/program/command.h"
#include "experiments/data/own_data.h"
#include "experiments/interchange/waveletlm/config.h"

namespace subband {

void RecipeRequest::add_to(CommandLine& line, bool required) {
  line.words("RECIPE", name, overrides, "a recipe's name, a .yaml file or a WaveletLM config.json", required);
  line.config_dirs(folders);
}

config::Composition compose_recipe(const Registry& registry, const RecipeRequest& request) {
  return config::compose(
      recipe_request(registry, request.name, request.overrides,
                     config::standard_folders(program_root(), registry.groups(), request.folders)));
}

config::ComposeRequest recipe_request(const Registry& registry, const std::string& name,
                                      const std::vector<std::string>& overrides,
                                      std::vector<config::GroupFolder> folders) {
  return {.primary = name,
          .overrides = overrides,
          .folders = std::move(folders),
          .registry = &registry,
          .dialects = {{".json", waveletlm::recipe_of_flat_config}},
          .made_options = {{Data::kKind, own_data_option}}};
}

std::string recipe_name(const std::string& name) {
  const std::filesystem::path file(name);
  const bool is_file = file.extension() == ".yaml" || file.extension() == ".json";
  return is_file ? file.stem().string() : name;
}

Recipe load_recipe(const Registry& registry, const RecipeRequest& request, config::Warnings* warnings) {
  config::Composition composed = compose_recipe(registry, request);
  if (warnings != nullptr)
    warnings->insert(warnings->end(), composed.warnings.begin(), composed.warnings.end());
  return bind_recipe(registry, recipe_name(request.name), composed.config);
}

}  // namespace subband
