// subband eval: a checkpoint under the protocols of the published tables.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/languages/json.h"
#include "core/languages/terminal.h"
#include "core/program/command_table.h"
#include "core/tensors/autocast.h"
#include "core/tensors/device.h"
#include "core/tensors/prepare.h"
#include "core/text.h"
#include "experiments/commands/commands.h"
#include "experiments/parts.h"
#include "experiments/training/checkpoints/checkpoint.h"
#include "experiments/training/checkpoints/named_checkpoint.h"

namespace subband {

namespace {

struct EvalRequest {
  std::string checkpoint;
  std::string split = "test";
  std::vector<std::string> protocols;
  std::string device;
  int64_t length = 0;
  std::string text;
};

void add_eval_options(CLI::App& app, EvalRequest& request) {
  app.add_option("checkpoint", request.checkpoint, "a checkpoint file, a folder of them, or a run")
      ->required();
  const CLI::Option* split = app.add_option("--split", request.split, "which text")->capture_default_str();
  app.add_option("--text", request.text,
                 "any other text in place of the recipe's: a file, a folder, a glob, or lines of JSON with a field `text`")
      ->excludes(const_cast<CLI::Option*>(split));
  app.add_option("--protocol", request.protocols,
                 "ways to measure, of those that the task knows (of a text: blocks, sliding, streaming, all); default: its "
                 "standard ones")
      ->delimiter(',');
  app.add_option("--device", request.device, "cpu, cuda or auto; default: as trained")
      ->check(CLI::IsMember({"cpu", "cuda", "auto"}));
  app.add_option("--length", request.length, "window length; default: as trained")->check(above_zero());
}

// Those asked for, or the task's standard ones.
std::vector<std::string> chosen_protocols(const Task& task, const std::vector<std::string>& asked) {
  std::vector<std::string> known, standard;
  for (const Protocol& each : task.protocols()) {
    known.push_back(each.name);
    if (each.is_standard) standard.push_back(each.name);
  }
  for (const std::string& each : asked) {
    if (std::ranges::find(known, each) == known.end())
      throw ConfigError("command line",
                        "--protocol = " + each + ": " +
                            (known.empty() ? "the checkpoint's task has one way to measure; leave it out"
                                           : "unknown protocol" + suggestion(each, known)),
                        "unknown_option");
  }
  return asked.empty() ? standard : asked;
}

// All of it as a test split.
config::Node whole_text(const std::string& path) {
  using config::Node;
  Node data = Node::map(), files = Node::list();
  files.items().emplace_back(path).place = {std::make_shared<const std::string>("--text")};
  data.set("type", Node("own_text"));
  data.set("name", Node(std::filesystem::path(path).stem().string()));
  data.set("files", std::move(files));
  data.set("only", Node("test"));
  return data;
}

Metrics evaluate_checkpoint(Recipe recipe, Net& net, const EvalRequest& request,
                            const std::filesystem::path& cache) {
  const auto say = [](const std::string& text) { std::cerr << shown_message(text) << "\n"; };
  const at::Device device = open_device(request.device.empty() ? recipe.trainer.device : request.device, say);
  net.to(device);
  if (request.length > 0) recipe.trainer.length = request.length;
  recipe.trainer.protocols = chosen_protocols(*make_task(recipe), request.protocols);
  recipe.trainer.evaluate_tokens.reset();
  const TaskUse use = task_use(recipe, device, cache);
  set_fp32_products(use.precision);
  Metrics metrics;
  std::vector<std::string> known;
  for (const Measurement& each : make_task(recipe)->measurements(use)) {
    known.push_back(each.split);
    if (each.split == request.split) metrics.merge(each.measure(net));
  }
  if (!metrics.empty()) return metrics;
  known.erase(std::unique(known.begin(), known.end()), known.end());
  throw ConfigError("command line",
                    "--split = " + request.split + ": unknown split" + suggestion(request.split, known),
                    "unknown_option");
}

}  // namespace

int command_eval(Arguments arguments) {
  CommandLine line("eval", "Scores a checkpoint by its task: perplexity and bits per byte, or accuracy.",
                   "subband eval 1a2b3c4d --split test --protocol sliding\n"
                   "  subband eval 1a2b3c4d --text novel.txt");
  EvalRequest request;
  add_eval_options(line.app(), request);
  return line.run(arguments, [&] {
    Registry registry;
    register_parts(registry);
    Checkpoint checkpoint = read_named_checkpoint(line.options().store, request.checkpoint);
    if (!request.text.empty()) checkpoint.config.set("data", whole_text(request.text));
    const Recipe recipe = bind_recipe(registry, checkpoint.recipe, checkpoint.config);
    prepare_tensors(static_cast<int>(recipe.trainer.threads));
    const auto net = restore_net(registry, checkpoint);
    const Metrics metrics = evaluate_checkpoint(recipe, *net, request, line.options().store / "cache");
    if (line.options().json) {
      nlohmann::ordered_json values = nlohmann::ordered_json::object();
      for (const auto& [name, value] : metrics) values[name] = json_number(value);
      std::cout << json_document({{"checkpoint", request.checkpoint},
                                  {"recipe", checkpoint.recipe},
                                  {"step", checkpoint.step},
                                  {"metrics", values}},
                                 2)
                << "\n";
      return 0;
    }
    fmt::print("{}, step {}\n", shown(checkpoint.recipe), checkpoint.step);
    for (const auto& [name, value] : metrics) fmt::print("  {:<24} {:.6g}\n", shown(name), value);
    return 0;
  });
}

namespace commands {

void add_eval(CommandTable& table) {
  table.push_back({"eval", "a checkpoint under an evaluation protocol", {}, command_eval});
}

}  // namespace commands

}  // namespace subband
