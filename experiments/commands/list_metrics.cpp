// `subband list metric RECIPE`: what a run of the recipe reports, and what it minimises.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/commands/commands.h"
#include "experiments/load_recipe.h"
#include "experiments/parts.h"
#include "experiments/training/experiment.h"

namespace subband {

namespace {

nlohmann::ordered_json metrics_document(const Recipe& recipe, const Task& task) {
  nlohmann::ordered_json metrics = nlohmann::ordered_json::array();
  for (const MetricInfo& each : reported_metrics(recipe))
    metrics.push_back({{"name", each.name}, {"help", each.help}, {"goal", each.goal}});
  nlohmann::ordered_json protocols = nlohmann::ordered_json::array();
  for (const Protocol& each : task.protocols())
    protocols.push_back({{"name", each.name}, {"help", each.help}, {"standard", each.is_standard}});
  return {{"recipe", recipe.name},         {"task", recipe.task.type()},
          {"objective", task.objective()}, {"untrained_loss", task.untrained_loss()},
          {"protocols", protocols},        {"metrics", metrics}};
}

void print_metrics(const Recipe& recipe, const Task& task) {
  std::cout << fmt::format("{}: task {}; minimises the {}; an untrained answer costs {:.4f}\n", recipe.name,
             recipe.task.type(), task.objective(), task.untrained_loss());
  for (const Protocol& each : task.protocols()) std::cout << fmt::format("  protocol {:<16} {}\n", each.name, each.help);
  for (const MetricInfo& each : reported_metrics(recipe))
    std::cout << fmt::format("  {:<28} {:<4} {}\n", each.name, each.goal, each.help);
}

}  // namespace

int command_list_metrics(Arguments arguments) {
  CommandLine line("list metric",
                   "What a run of a recipe reports; min or max: which of two values is better.",
                   "subband list metric mqar/attention task.test_lengths=[256] task.test_pairs=[8]");
  RecipeRequest request;
  request.add_to(line);
  return line.run(arguments, [&] {
    Registry registry;
    register_parts(registry);
    const Recipe recipe = load_recipe(registry, request);
    const auto task = make_task(recipe);
    if (line.options().json)
      std::cout << metrics_document(recipe, *task).dump(2) << "\n";
    else
      print_metrics(recipe, *task);
    return 0;
  });
}

}  // namespace subband
