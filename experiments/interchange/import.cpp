// subband import: weights of another program as a checkpoint.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/json.h"
#include "core/languages/json.h"
#include "core/languages/terminal.h"
#include "core/program/command_table.h"
#include "core/program/warn.h"
#include "core/text.h"
#include "experiments/commands/commands.h"
#include "experiments/interchange/exchange.h"
#include "experiments/interchange/imported.h"

namespace subband {

int run_exchange(const char* command, std::span<const Exchange> formats, Arguments arguments) {
  std::vector<std::string> known;
  for (const Exchange& each : formats) {
    if (!arguments.empty() && arguments[0] == each.format) return each.run(arguments.subspan(1));
    known.emplace_back(each.format);
  }
  const bool asks = arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h";
  if (asks) {
    std::cout << "subband " << command << " FORMAT --help\n\n";
    for (const Exchange& each : formats)
      std::cout << "  " << each.format << std::string(13 - std::string(each.format).size(), ' ')
                << each.summary << "\n";
    return arguments.empty() ? 2 : 0;
  }
  CommandLine line(command, "", "");
  line.app().allow_extras();
  return line.run(arguments, [&]() -> int {
    throw ConfigError("command line", arguments[0] + ": unknown format" + suggestion(arguments[0], known),
                      "unknown_option");
  });
}

void say_imported(const Imported& imported, const CommonOptions& options) {
  if (options.json) {
    Json json = {{"checkpoint", imported.checkpoint.string()}};
    if (!imported.model_type.empty()) json["model_type"] = imported.model_type;
    json["parameters"] = imported.parameters;
    json["tensors"] = imported.tensors;
    std::cout << json_document(json, 2) << "\n";
  } else if (!options.quiet) {
    const std::string type = imported.model_type.empty() ? "" : "  " + imported.model_type + "\n";
    std::cout << fmt::format("{}\n{}  parameters {}\n  tensors    {}\n", shown(imported.checkpoint.string()),
                             type, grouped(imported.parameters), imported.tensors);
  }
}

void take_vocabulary(Recipe& recipe, int64_t vocabulary, const std::string& whose) {
  if (recipe.vocabulary != vocabulary)
    warn(fmt::format("vocabulary = {}, as {} it; the tokeniser {} has {}", vocabulary, whose,
                     recipe.tokenizer->type(), recipe.vocabulary));
  recipe.vocabulary = vocabulary;
}

int command_import(Arguments arguments) {
  static constexpr Exchange kFormats[] = {
      {"waveletlm", "a state dictionary of WaveletLM, .pt or .safetensors", import_waveletlm},
      {"hf", "a Hugging Face folder of a GPT-2, Llama or Qwen2 decoder", import_hf}};
  return run_exchange("import", kFormats, arguments);
}

namespace commands {

void add_import(CommandTable& table) {
  table.push_back({"import",
                   "weights of another program as a checkpoint: waveletlm, hf",
                   {"waveletlm|hf"},
                   command_import});
}

}  // namespace commands

}  // namespace subband
