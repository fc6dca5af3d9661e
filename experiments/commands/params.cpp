// subband params: the parameter table of a recipe's net, or of one part, without a byte of weights.
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/error.h"
#include "experiments/commands/commands.h"
#include "experiments/commands/cost_table.h"
#include "experiments/commands/lone_part.h"
#include "experiments/commands/parameter_table.h"
#include "experiments/load_recipe.h"
#include "experiments/parts.h"

namespace subband {

int command_params(Arguments arguments) {
  CommandLine line("params",
                   "How many parameters stand where, and what the parts cost, without allocating them.",
                   "subband params tinyshakespeare/wavelet net.width=256\n"
                   "  subband params tinyshakespeare/wavelet --flops --length 1024");
  RecipeRequest recipe;
  LonePartWords part;
  std::optional<int64_t> vocabulary, length;
  bool flops = false, listing = false;
  recipe.add_to(line.app());
  line.app().get_option("recipe")->required(false);
  part.add_to(line.app());
  line.app().add_flag("--flops", flops, "what every part costs: parameters, forward flops, decoding state");
  line.app()
      .add_option("--length", length, "L, the longest window; without it: the recipe's, or 1024 for a part")
      ->check(above_zero());
  line.app().add_option("--vocab", vocabulary, "V, in place of the tokeniser's")->check(above_zero());
  line.app().add_flag("--tensors", listing, "every tensor with its shape; of a part always");
  return line.run(arguments, [&] {
    if (recipe.name.empty() == part.part.empty()) {
      throw ConfigError("command line", "expected either RECIPE or --part KIND:NAME", "syntax");
    }
    Registry registry;
    register_parts(registry);
    listing = listing || !part.part.empty();
    const auto print = [&line, listing](const auto& table) {
      std::cout << (line.options().json ? table.json().dump(2) + "\n" : table.text());
      if constexpr (requires { table.listing(); })
        if (listing && !line.options().json) std::cout << "\n" << table.listing();
      return 0;
    };
    if (part.part.empty()) {
      config::Warnings warnings;
      Recipe bound = load_recipe(registry, recipe, &warnings);
      for (const std::string& warning : warnings) std::cerr << "warning: " << warning << "\n";
      bound.vocabulary = vocabulary.value_or(bound.vocabulary);
      if (flops && length) bound.shape.length = *length;
      const auto net = make_meta_net(bound);
      if (!flops) return print(parameter_table(*net));
      return print(CostTable{net->costs(bound.shape.length), bound.shape.length, parameter_count(*net)});
    }
    Initializer meta = Initializer::meta();
    part.length = length.value_or(part.length);
    const LonePart lone = make_lone_part(registry, part, meta);
    const ParameterTable table = parameter_table(*lone.module);
    if (!flops) return print(table);
    return print(CostTable{lone.costs(part.length), part.length, table.parameters});
  });
}

}  // namespace subband
