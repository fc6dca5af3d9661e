#include "experiments/load_recipe.h"

#include "core/config/interpolation.h"
#include "core/files.h"
#include "core/program/command.h"
#include "core/temporaries.h"
#include "experiments/data/own_data.h"
#include "experiments/interchange/waveletlm/config.h"
#include "experiments/training/checkpoints/checkpoint.h"

namespace subband {

void RecipeRequest::add_to(CommandLine& line, bool required) {
  line.words("RECIPE", name, overrides,
             "a recipe's name, a .yaml file, a WaveletLM config.json, or a checkpoint's .safetensors file, for the recipe in it",
             required);
  line.config_dirs(folders);
}

namespace {

constexpr const char* kCheckpointEnding = ".safetensors";

// The recipe in a checkpoint, as a file for as long as it is composed.
class RecipeInside {
 public:
  explicit RecipeInside(const std::string& checkpoint) {
    write_file(file_, config::to_yaml(config::literal(checkpoint_config(checkpoint))));
  }
  RecipeInside(const RecipeInside&) = delete;
  RecipeInside& operator=(const RecipeInside&) = delete;
  ~RecipeInside() {
    std::error_code none;
    std::filesystem::remove(file_, none);
  }
  std::string file() const { return file_.string(); }

 private:
  std::filesystem::path file_ = std::filesystem::temp_directory_path() / (temporary_name("subband_recipe") + ".yaml");
};

}  // namespace

config::Composition compose_recipe(const Registry& registry, const RecipeRequest& request) {
  const std::vector<config::GroupFolder> folders =
      config::standard_folders(program_root(), registry.groups(), request.folders);
  if (!request.name.ends_with(kCheckpointEnding))
    return config::compose(recipe_request(registry, request.name, request.overrides, folders));
  const RecipeInside inside(request.name);
  return config::compose(recipe_request(registry, inside.file(), request.overrides, folders));
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
  const std::string ending = file.extension();
  const bool is_file = ending == ".yaml" || ending == ".json" || ending == kCheckpointEnding;
  return is_file ? file.stem().string() : name;
}

Recipe load_recipe(const Registry& registry, const RecipeRequest& request, config::Warnings* warnings) {
  config::Composition composed = compose_recipe(registry, request);
  if (warnings != nullptr)
    warnings->insert(warnings->end(), composed.warnings.begin(), composed.warnings.end());
  return bind_recipe(registry, recipe_name(request.name), composed.config);
}

}  // namespace subband
