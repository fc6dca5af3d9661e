// subband params: the parameter table of a recipe's net, or of one part, without a byte of weights.
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/error.h"
#include "experiments/commands/commands.h"
#include "experiments/commands/lone_part.h"
#include "experiments/commands/parameter_table.h"
#include "experiments/load_recipe.h"
#include "experiments/parts.h"

namespace subband {

int command_params(Arguments arguments) {
  CommandLine line("params", "How many parameters stand where, without allocating them.",
                   "subband params tinyshakespeare/wavelet net.width=256");
  RecipeRequest recipe;
  LonePartWords part;
  std::optional<int64_t> vocabulary;
  recipe.add_to(line.app());
  line.app().get_option("recipe")->required(false);
  part.add_to(line.app());
  line.app().add_option("--vocab", vocabulary, "V, in place of the tokeniser's")->check(CLI::PositiveNumber);
  return line.run(arguments, [&] {
    if (recipe.name.empty() == part.part.empty()) {
      throw ConfigError("command line", "expected either RECIPE or --part KIND:NAME", "syntax");
    }
    Registry registry;
    register_parts(registry);
    ParameterTable table;
    if (part.part.empty()) {
      config::Warnings warnings;
      Recipe bound = load_recipe(registry, recipe, &warnings);
      for (const std::string& warning : warnings) std::cerr << "warning: " << warning << "\n";
      bound.vocabulary = vocabulary.value_or(bound.vocabulary);
      table = parameter_table(*make_meta_net(bound));
    } else {
      Initializer meta = Initializer::meta();
      table = parameter_table(*make_lone_part(registry, part, meta).module);
    }
    if (line.options().json)
      std::cout << table.json().dump(2) << "\n";
    else
      std::cout << table.text();
    return 0;
  });
}

}  // namespace subband
