#include "experiments/training/checkpoints/start_overrides.h"

#include "core/config/interpolation.h"
#include "core/config/override.h"
#include "core/error.h"
#include "experiments/training/checkpoints/checkpoint.h"
#include "experiments/training/checkpoints/named_checkpoint.h"

namespace subband {

namespace fs = std::filesystem;
using config::Node;

static void refuse_chosen(const RecipeRequest& request, const std::string& key) {
  for (const std::string& each : request.overrides)
    if (each.starts_with(key + "=") || each.starts_with("~" + key + "=") || each == "~" + key)
      throw ConfigError("command line",
                        each + ": --from takes the " + key + " of the checkpoint; its fields may be changed, " + key +
                            ".FIELD=VALUE",
                        "bad_value");
}

std::vector<std::string> start_overrides(const Registry& registry, const RecipeRequest& request,
                                         const fs::path& checkpoint) {
  for (const char* key : {"net", "tokenizer"}) refuse_chosen(request, key);
  const fs::path file = fs::absolute(checkpoint_file(checkpoint)).lexically_normal();
  const Checkpoint read = read_checkpoint(file);
  const Node plain = compose_recipe(registry, {.name = request.name, .folders = request.folders, .options = request.options})
                         .config;
  std::vector<std::string> overrides;
  for (const std::string key : {"net", "tokenizer"}) {
    const Node* theirs = read.config.find(key);
    if (theirs == nullptr || theirs->is(Node::Kind::null)) continue;
    if (plain.find(key) != nullptr) overrides.push_back("~" + key);
    overrides.push_back("+" + key + "=" + config::override_text(config::literal(*theirs)));
  }
  overrides.push_back("++trainer.weights=" + config::override_text(config::literal(Node(file.string()))));
  return overrides;
}

}  // namespace subband
