// The door to every command that needs tensors. The program loads this library only when one is asked for, so that
// the others do not pay for LibTorch's start.
#include <cstdio>
#include <filesystem>
#include <functional>
#include <iostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/commands/commands.h"
#include "analysis/format.h"
#include "analysis/ledger.h"
#include "core/files.h"
#include "core/program/catalog.h"
#include "core/program/command.h"
#include "core/program/schema.h"
#include "experiments/commands/commands.h"
#include "experiments/parts.h"
#include "experiments/recipe_fields.h"
#include "runs/commands/commands.h"
#include "sweeps/commands.h"
#include "sweeps/launcher.h"
#include "sweeps/spec/sweep_fields.h"

namespace subband {

static Catalog whole_catalog() {
  Registry registry;
  register_parts(registry);
  register_analysis_parts(registry);
  register_sweeps_parts(registry);
  Catalog catalog = catalog_of(registry);
  catalog.recipe = recipe_fields(registry);
  catalog.sweep = sweep_fields();
  for (const char* folder : {"models", "experiments"})
    add_probes(catalog, program_root() / folder / "probes.json");
  return catalog;
}

// The `--options` that a command's own help names.
static std::vector<std::string> options_of(const std::string& command) {
  const std::string line =
      std::filesystem::read_symlink("/proc/self/exe").string() + " " + command + " --help";
  std::set<std::string> options;
  FILE* help = ::popen(line.c_str(), "r");
  if (help == nullptr) return {};
  char buffer[4096];
  while (std::fgets(buffer, sizeof buffer, help) != nullptr) {
    const std::string text = buffer;
    const size_t begin = text.find_first_not_of(' ');
    if (begin == std::string::npos || text[begin] != '-') continue;
    const size_t option = text.find("--", begin);
    if (option == std::string::npos) continue;
    options.insert(text.substr(option, text.find_first_of(" ,=\n", option) - option));
  }
  ::pclose(help);
  return {options.begin(), options.end()};
}

// What the build keeps beside the program; `commands` are those whose options it holds.
static int print_catalog(Catalog catalog, Arguments commands) {
  for (const std::string& command : commands) catalog.options[command] = options_of(command);
  std::cout << catalog_json(catalog);
  return 0;
}

static int run_and_ledger(Arguments arguments) {
  ChangedStore changed;
  const int code = command_run(arguments, changed);
  update_ledger(changed);
  return code;
}

static int laboratory_command(std::string_view name, Arguments arguments) {
  if (name == "run") return run_and_ledger(arguments);
  if (name == "sweep") return command_sweep(arguments);
  if (name == "eval") return command_eval(arguments);
  if (name == "bench") return command_bench(arguments);
  if (name == "init") return command_init(arguments);
  if (name == "import") return command_import(arguments);
  if (name == "export") return command_export(arguments);
  if (name == "forward") return command_forward(arguments);
  if (name == "params") return command_params(arguments);
  if (name == "compose") return command_compose(arguments);
  if (name == "data") return command_data(arguments);
  if (name == "tokenize") return command_tokenize(arguments);
  const bool lists_metrics = name == "list" && !arguments.empty() && arguments.front() == "metric";
  if (lists_metrics) return command_list_metrics(arguments.subspan(1));
  const Catalog catalog = whole_catalog();
  if (name == "list") return command_list(arguments, catalog);
  if (name == "schema") return command_schema(arguments, catalog);
  if (name == "catalogue") return print_catalog(catalog, arguments);
  return command_describe(arguments, catalog);
}

}  // namespace subband

extern "C" __attribute__((visibility("default"))) int subband_laboratory(const char* name,
                                                                         const std::string* words,
                                                                         size_t count);
int subband_laboratory(const char* name, const std::string* words, size_t count) {
  return subband::laboratory_command(name, subband::Arguments(words, count));
}
