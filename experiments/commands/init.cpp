// subband init: a checkpoint with freshly initialised weights.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/languages/json.h"
#include "core/languages/terminal.h"
#include "core/program/command_table.h"
#include "core/program/warn.h"
#include "core/tensors/digest.h"
#include "core/text.h"
#include "experiments/commands/commands.h"
#include "experiments/commands/parameter_table.h"
#include "experiments/load_recipe.h"
#include "experiments/parts.h"
#include "experiments/training/checkpoints/checkpoint.h"

namespace subband {

int command_init(Arguments arguments) {
  CommandLine line("init", "A checkpoint with freshly initialised weights.",
                   "subband init tinyshakespeare/wavelet --out fresh --seed 1");
  RecipeRequest words;
  std::filesystem::path out;
  std::optional<int64_t> seed, vocabulary;
  words.add_to(line);
  line.app().add_option("--out", out, "folder for the checkpoint")->required();
  line.app().add_option("--seed", seed, "in place of the recipe's")->check(CLI::NonNegativeNumber);
  line.app().add_option("--vocab", vocabulary, "V, in place of the tokeniser's")->check(above_zero());
  return line.run(arguments, [&] {
    if (seed) words.overrides.push_back("seed=" + std::to_string(*seed));
    Registry registry;
    register_parts(registry);
    config::Warnings warnings;
    Recipe recipe = load_recipe(registry, words, &warnings);
    warn(warnings);
    recipe.vocabulary = vocabulary.value_or(recipe.vocabulary);
    const auto net = make_net(recipe);
    const std::filesystem::path file = first_checkpoint(out);
    write_checkpoint(file, fresh_checkpoint(recipe, model_tensors(*net)));
    const int64_t parameters = parameter_table(*net).parameters;
    const std::string weights = digest(model_tensors(*net));
    if (line.options().json) {
      const nlohmann::ordered_json json = {
          {"checkpoint", file.string()}, {"parameters", parameters}, {"digest", weights}};
      std::cout << json_document(json, 2) << "\n";
    } else {
      std::cout << fmt::format("{}\n  parameters {}\n  digest     {}\n", shown(file.string()),
                               grouped(parameters), weights);
    }
    return 0;
  });
}

namespace commands {

void add_init(CommandTable& table) {
  table.push_back(
      {"init", "a checkpoint with freshly initialised weights", {"recipe", "override…"}, command_init});
}

}  // namespace commands

}  // namespace subband
