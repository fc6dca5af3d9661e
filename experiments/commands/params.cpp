// subband params: the parameter table of a recipe's net, or of one part, without a byte of weights.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/error.h"
#include "core/languages/json.h"
#include "core/languages/terminal.h"
#include "core/program/command_table.h"
#include "core/program/warn.h"
#include "core/size_match.h"
#include "core/text.h"
#include "experiments/commands/commands.h"
#include "experiments/commands/cost_table.h"
#include "experiments/commands/lone_part.h"
#include "experiments/commands/parameter_table.h"
#include "experiments/load_recipe.h"
#include "experiments/parts.h"
#include "experiments/price.h"

namespace subband {

// The override with which the recipe has so many parameters; says on stderr what it found.
static std::string matching_size(const Registry& registry, const RecipeRequest& recipe,
                                 const std::vector<std::string>& match) {
  constexpr double kWithin = 0.02;
  const auto wanted = parse_number(match[0]);
  const std::string& key = match[1];
  if (!wanted || *wanted < 1)
    throw ConfigError("command line", "--match = " + match[0] + ": expected how many parameters",
                      "bad_value");
  const Recipe bound = load_recipe(registry, recipe);
  const config::Node* start = bound.resolved.at(key);
  if (start == nullptr || !start->is(config::Node::Kind::integer) || start->integer() < 1)
    throw ConfigError("command line", "--match = " + key + ": must be a whole number of the config, from 1",
                      "bad_value");
  const auto found =
      match_size(start->integer(), *wanted, kWithin, [&](int64_t value) -> std::optional<double> {
        RecipeRequest changed = recipe;
        changed.overrides.push_back(key + "=" + std::to_string(value));
        try {
          return static_cast<double>(parameter_count(*make_meta_net(load_recipe(registry, changed))));
        } catch (const Error&) {  // a number that the net does not take
          return std::nullopt;
        }
      });
  if (!found) throw ConfigError("command line", "--match = " + key + ": no number is allowed", "bad_value");
  std::cerr << fmt::format("{}={}: {} parameters, {:+.2f} %\n", shown(key), found->value,
                           grouped(static_cast<int64_t>(found->size)), 100 * (found->size / *wanted - 1));
  return key + "=" + std::to_string(found->value);
}

int command_params(Arguments arguments) {
  CommandLine line("params",
                   "How many parameters stand where, and what the parts cost, without allocating them.",
                   "subband params tinyshakespeare/wavelet net.width=256\n"
                   "  subband params tinyshakespeare/wavelet --flops --length 1024");
  RecipeRequest recipe;
  LonePartWords part;
  std::optional<int64_t> vocabulary, length;
  bool flops = false, listing = false;
  recipe.add_to(line, /*required=*/false);
  part.add_to(line.app());
  line.app().add_flag("--flops", flops, "what every part costs: parameters, forward flops, decoding state");
  line.app()
      .add_option("--length", length, "L, the longest window; without it: the recipe's, or 1024 for a part")
      ->check(above_zero());
  line.app().add_option("--vocab", vocabulary, "V, in place of the tokeniser's")->check(above_zero());
  std::vector<std::string> match;
  line.app()
      .add_option(
          "--match", match,
          "N KEY: the number under KEY, say net.width, with which there are N parameters, and that table")
      ->expected(2);
  line.app().add_flag("--tensors", listing, "every tensor with its shape; of a part always");
  return line.run(arguments, [&] {
    if (recipe.name.empty() == part.part.empty()) {
      throw ConfigError("command line", "expected either RECIPE or --part KIND:NAME", "syntax");
    }
    Registry registry;
    register_parts(registry);
    listing = listing || !part.part.empty();
    std::string price;
    const auto print = [&line, &price, listing](const auto& table) {
      nlohmann::ordered_json json = table.json();
      if (!price.empty()) json["price"] = price;
      std::cout << (line.options().json ? json_document(json, 2) + "\n" : table.text());
      if (!price.empty() && !line.options().json) std::cout << "as published: " << shown(price) << "\n";
      if constexpr (requires { table.listing(); })
        if (listing && !line.options().json) std::cout << "\n" << table.listing();
      return 0;
    };
    if (part.part.empty()) {
      config::Warnings warnings;
      if (!match.empty()) recipe.overrides.push_back(matching_size(registry, recipe, match));
      Recipe bound = load_recipe(registry, recipe, &warnings);
      warn(warnings);
      bound.vocabulary = vocabulary.value_or(bound.vocabulary);
      price = price_text(bound.resolved);
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

namespace commands {

void add_params(CommandTable& table) {
  table.push_back({"params",
                   "the parameter table of a recipe, without allocating weights",
                   {"recipe", "override…"},
                   command_params});
}

}  // namespace commands

}  // namespace subband
