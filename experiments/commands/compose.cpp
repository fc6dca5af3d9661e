// `subband compose RECIPE`: the config as a run would see it.
#include "core/program/command_table.h"
#include "core/program/compose_command.h"
#include "experiments/commands/commands.h"
#include "experiments/load_recipe.h"
#include "experiments/parts.h"

namespace subband {

int command_compose(Arguments arguments) {
  return run_compose(arguments, [](const ComposeWords& words, const CommonOptions& options) {
    Registry registry;
    register_parts(registry);
    const RecipeRequest request{
        .name = words.primary, .overrides = words.overrides, .folders = words.folders, .options = &options};
    if (words.unresolved) {
      const config::Composition composition = compose_recipe(registry, request);
      print_composed(composition.unresolved, composition.warnings, words, options);
      return 0;
    }
    config::Warnings warnings;
    const Recipe recipe = load_recipe(registry, request, &warnings);
    print_composed(recipe.resolved, warnings, words, options);
    return 0;
  });
}

namespace commands {

void add_compose(CommandTable& table) {
  table.push_back({"compose",
                   "the resolved config of a recipe, with origins; --raw: any YAML tree",
                   {"recipe", "override…"},
                   command_compose});
}

}  // namespace commands

}  // namespace subband
