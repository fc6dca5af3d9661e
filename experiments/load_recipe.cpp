#include "experiments/load_recipe.h"

#include <regex>

#include "core/config/interpolation.h"
#include "core/error.h"
#include "core/files.h"
#include "core/program/command.h"
#include "core/program/run_name.h"
#include "core/temporaries.h"
#include "experiments/data/own_data.h"
#include "experiments/interchange/waveletlm/config.h"
#include "experiments/training/checkpoints/checkpoint.h"

namespace subband {

void RecipeRequest::add_to(CommandLine& line, bool required) {
  line.words("RECIPE", name, overrides,
             "a recipe's name, a .yaml file, a WaveletLM config.json, a run, or a checkpoint's .safetensors file, for the recipe in it",
             required);
  line.config_dirs(folders);
  options = &line.options();
}

// The folder of the run that the name means; empty where it does not look like a run's, or the store has none of it.
static std::filesystem::path run_of(const RecipeRequest& request) {
  static const std::regex kIdentity("[0-9a-f]{4,64}(-s[0-9]+)?|[0-9]{4}-[0-9]{2}-[0-9]{2}_.+");
  if (request.options == nullptr || !std::regex_match(request.name, kIdentity)) return {};
  try {
    return named_run(request.options->store, request.name);
  } catch (const ConfigError& unknown) {
    if (unknown.first().kind == "unknown_option") return {};
    throw;
  }
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
  const auto composed = [&](const std::string& recipe) {
    return config::compose(recipe_request(registry, recipe, request.overrides, folders));
  };
  if (request.name.ends_with(kCheckpointEnding)) return composed(RecipeInside(request.name).file());
  const std::filesystem::path run = run_of(request);
  return composed(run.empty() ? request.name : (run / "config.yaml").string());
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
  const std::filesystem::path run = run_of(request);
  return bind_recipe(registry, run.empty() ? recipe_name(request.name) : recipe_in_name(run.filename()),
                     composed.config);
}

}  // namespace subband
