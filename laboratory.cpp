// The door to every command that needs tensors. The program loads this library only when one is asked for, so that
// the others do not pay for LibTorch's start.
#include <iostream>
#include <string>
#include <variant>

#include "analysis/commands/commands.h"
#include "analysis/format.h"
#include "analysis/ledger.h"
#include "core/error.h"
#include "core/files.h"
#include "core/languages/terminal.h"
#include "core/program/catalogue.h"
#include "core/program/command_table.h"
#include "experiments/commands/commands.h"
#include "experiments/parts.h"
#include "experiments/recipe_fields.h"
#include "experiments/training/part_code.h"
#include "models/own_parts.h"
#include "sweeps/launcher.h"
#include "sweeps/spec/sweep_fields.h"

namespace subband {

// Generated from the folders' CMakeLists.txt.
void register_core_commands(CommandTable& table);
void register_corpora_commands(CommandTable& table);
void register_experiments_commands(CommandTable& table);
void register_runs_commands(CommandTable& table);
void register_runs_perform_commands(CommandTable& table);
void register_analysis_commands(CommandTable& table);
void register_bench_commands(CommandTable& table);
void register_sweeps_perform_commands(CommandTable& table);

// In the order of `subband help`.
static CommandTable all_commands() {
  CommandTable table;
  register_runs_perform_commands(table);
  register_sweeps_perform_commands(table);
  register_analysis_commands(table);
  register_runs_commands(table);
  register_experiments_commands(table);
  register_bench_commands(table);
  register_core_commands(table);
  register_corpora_commands(table);
  return table;
}

static Catalogue whole_catalogue(const CommandTable& commands) {
  Registry registry;
  register_parts(registry);
  register_analysis_parts(registry);
  register_sweeps_parts(registry);
  Catalogue catalogue = catalogue_of(registry);
  catalogue.documents = {{"recipe", recipe_fields(registry)}, {"sweep", sweep_fields()}};
  catalogue.commands = catalogue_commands(commands);
  for (const char* folder : {"models", "experiments"})
    add_probes(catalogue, program_root() / folder / "probes.json");
  PartCode code = built_part_code();
  for (const OwnPart& own : own_parts()) code[own.part] = own.code;
  for (auto& [kind, parts] : catalogue.kinds)
    for (auto& [name, part] : parts)
      if (const auto found = code.find(kind + ":" + name); found != code.end()) part.code = found->second;
  return catalogue;
}

static int laboratory_command(const std::string& name, Arguments arguments) try {
  const CommandTable table = all_commands();
  if (name == "catalogue") return std::cout << catalogue_json(whole_catalogue(table)), 0;
  if (name == "help") return std::cout << help_text(catalogue_commands(table)), 0;
  const Command* command = find_command(table, name);
  if (command == nullptr) refuse_command(name, catalogue_commands(table));
  if (name == "list" && !arguments.empty() && arguments.front() == "metric")
    return command_list_metrics(arguments.subspan(1));
  const bool looks_up = std::holds_alternative<int (*)(Arguments, const Catalogue&)>(command->run);
  return run_command(*command, arguments, looks_up ? whole_catalogue(table) : Catalogue(), update_ledger);
} catch (const Error& error) {  // no such command, or a part of one's own that cannot be loaded
  std::cerr << error_lines(error);
  return error.exit_code();
}

}  // namespace subband

extern "C" __attribute__((visibility("default"))) int subband_laboratory(const char* name,
                                                                         const std::string* words,
                                                                         size_t count);
int subband_laboratory(const char* name, const std::string* words, size_t count) {
  return subband::laboratory_command(name, subband::Arguments(words, count));
}
