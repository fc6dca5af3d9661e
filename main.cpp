// subband: one command line. Commands that need no tensors answer at once; the others live behind the laboratory
// library, which brings LibTorch and is loaded when one of them is asked for.
#include <dlfcn.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "analysis/commands/commands.h"
#include "analysis/ledger.h"
#include "core/error.h"
#include "core/files.h"
#include "core/languages/terminal.h"
#include "core/program/catalog.h"
#include "core/program/command.h"
#include "core/program/completion.h"
#include "core/program/compose_command.h"
#include "core/program/schema.h"
#include "core/text.h"
#include "runs/commands/commands.h"

namespace {

using subband::Arguments;

struct Command {
  const char* name;
  const char* summary;
  int (*plain)(Arguments) = nullptr;  ///< needs no tensors and no parts
  int (*looks_up)(Arguments,
                  const subband::Catalog&) = nullptr;  ///< needs to know the parts; neither: laboratory
};

std::vector<std::string> command_names();

int command_runs(Arguments arguments) {
  subband::ChangedStore changed;
  const int code = subband::command_runs(arguments, changed);
  subband::update_ledger(changed);
  return code;
}

int command_complete(Arguments arguments, const subband::Catalog& catalog) {
  std::vector<std::string> words(arguments.begin(), arguments.end());
  if (!words.empty() && words.front() == "--") words.erase(words.begin());
  for (const std::string& candidate :
       subband::completions(catalog, subband::program_root(), command_names(), words))
    std::cout << candidate << "\n";
  return 0;
}

constexpr Command kCommands[] = {
    {"run", "one run, with progress, sample text and final evaluation"},
    {"sweep", "plan and run every cell of a sweep, then its table; again: only what is missing"},
    {"report", "tables and learning curves of sweeps", subband::command_report},
    {"table", "a published table with our cells beside theirs", subband::command_table},
    {"runs", "the ledger: list, show, diff, verify, reindex", command_runs},
    {"eval", "a checkpoint under an evaluation protocol"},
    {"init", "a checkpoint with freshly initialised weights"},
    {"import", "weights of another program as a checkpoint: waveletlm, hf"},
    {"export", "a checkpoint for another program: waveletlm, hf, safetensors"},
    {"forward", "logits, losses and gradients of a checkpoint, or of one part"},
    {"params", "the parameter table of a recipe, without allocating weights"},
    {"compose", "the resolved config of a recipe, with origins; --raw: any YAML tree"},
    {"bench", "time and memory of mixers as the sequence grows"},
    {"list", "kinds and parts", nullptr, subband::command_list},
    {"describe", "a part's reference page, as commented YAML", nullptr, subband::command_describe},
    {"schema", "the JSON Schema of recipes and sweeps, for editors", nullptr, subband::command_schema},
    {"completion", "the completion script of bash or zsh", subband::command_completion},
    {"data", "corpora: list, add and prepare"},
    {"tokenize", "count and time the tokens of a text"},
};

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command& each : kCommands) names.emplace_back(each.name);
  return names;
}

int help() {
  std::cout << "subband: a laboratory for sequence mixers\n\n  subband COMMAND --help\n\n";
  for (const Command& command : kCommands)
    std::cout << "  " << command.name << std::string(12 - std::string(command.name).size(), ' ')
              << command.summary << "\n";
  std::cout << "\nExample\n  subband sweep quickstart --dry-run\n";
  return 0;
}

int fail(const subband::Error& error) {
  std::cerr << subband::error_lines(error);
  return error.exit_code();
}

std::filesystem::path beside_program(const char* name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

int in_laboratory(const std::string& name, Arguments arguments) {
  const auto library = beside_program("libsubband_laboratory.so");
  void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (handle == nullptr)
    return fail(subband::Error(library.string(), std::string("cannot be loaded: ") + ::dlerror()));
  using Entry = int (*)(const char*, const std::string*, size_t);
  const auto entry = reinterpret_cast<Entry>(::dlsym(handle, "subband_laboratory"));
  if (entry == nullptr)
    return fail(subband::Error(library.string(), "is not the laboratory of this program"));
  return entry(name.c_str(), arguments.data(), arguments.size());
}

// What the parts are is read from the catalogue that the build wrote; the laboratory knows it too, but takes longer.
int look_up(const std::string& name, int (*answer)(Arguments, const subband::Catalog&), Arguments arguments) {
  const auto catalog = subband::installed_catalog(beside_program("catalogue.json"),
                                                  beside_program("libsubband_laboratory.so"));
  if (!catalog && name == "complete") return 0;  // a shell waits: no candidates rather than late ones
  return catalog ? answer(arguments, *catalog) : in_laboratory(name, arguments);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") return help();
  const std::string& name = words[0];
  const Arguments arguments = Arguments(words).subspan(1);
  if (name == "complete") return look_up(name, command_complete, arguments);
  if (name == "catalogue") return in_laboratory(name, command_names());
  const auto command = std::ranges::find(kCommands, name, &Command::name);
  if (command == std::end(kCommands))
    return fail(subband::ConfigError("command line",
                                     name + ": unknown command" + subband::suggestion(name, command_names()),
                                     "unknown_option"));
  const bool raw = name == "compose" && std::ranges::find(words, "--raw") != words.end();
  if (raw) return subband::command_compose_raw(arguments);
  const bool asks_a_task = name == "list" && words.size() > 1 && words[1] == "metric";
  if (asks_a_task) return in_laboratory(name, arguments);
  if (command->looks_up != nullptr) return look_up(name, command->looks_up, arguments);
  return command->plain ? command->plain(arguments) : in_laboratory(name, arguments);
}
