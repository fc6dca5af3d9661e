// subband: one command line. Commands that need no tensors answer at once; the others live behind the laboratory
// library, which brings LibTorch and is loaded when one of them is asked for.
#include <dlfcn.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "analysis/commands.h"
#include "core/command.h"
#include "core/config/compose_command.h"
#include "core/error.h"
#include "core/text.h"
#include "runs/commands.h"

namespace {

using subband::Arguments;

struct Command {
  const char* name;
  const char* summary;
  int (*plain)(Arguments);  ///< null: in the laboratory
};

constexpr Command kCommands[] = {
    {"run", "one run, with progress, sample text and final evaluation", nullptr},
    {"sweep", "plan and run every cell of a sweep, then its table; again: only what is missing", nullptr},
    {"report", "tables and learning curves of sweeps", subband::command_report},
    {"table", "a published table with our cells beside theirs", subband::command_table},
    {"runs", "the ledger: list, show, diff, verify, reindex", subband::command_runs},
    {"eval", "a checkpoint under an evaluation protocol", nullptr},
    {"init", "a checkpoint with freshly initialised weights", nullptr},
    {"import", "weights of another program as a checkpoint: waveletlm, hf", nullptr},
    {"export", "a checkpoint for another program: waveletlm, hf, safetensors", nullptr},
    {"forward", "logits, losses and gradients of a checkpoint, or of one part", nullptr},
    {"params", "the parameter table of a recipe, without allocating weights", nullptr},
    {"compose", "the resolved config of a recipe, with origins; --raw: any YAML tree", nullptr},
    {"bench", "time and memory of mixers as the sequence grows", nullptr},
    {"list", "kinds and parts", nullptr},
    {"describe", "a part's reference page, as commented YAML", nullptr},
    {"data", "corpora: list and prepare", nullptr},
    {"tokenize", "count and time the tokens of a text", nullptr},
};

int help() {
  std::cout << "subband: a laboratory for sequence mixers\n\n  subband COMMAND --help\n\n";
  for (const Command& command : kCommands)
    std::cout << "  " << command.name << std::string(10 - std::string(command.name).size(), ' ')
              << command.summary << "\n";
  std::cout << "\nExample\n  subband sweep quickstart --dry-run\n";
  return 0;
}

int fail(const subband::Error& error) {
  std::cerr << error.what() << "\n";
  return error.exit_code();
}

int in_laboratory(const std::string& name, Arguments arguments) {
  const auto library =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "libsubband_laboratory.so";
  void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (handle == nullptr)
    return fail(subband::Error(library.string(), std::string("cannot be loaded: ") + ::dlerror()));
  using Entry = int (*)(const char*, const std::string*, size_t);
  const auto entry = reinterpret_cast<Entry>(::dlsym(handle, "subband_laboratory"));
  if (entry == nullptr)
    return fail(subband::Error(library.string(), "is not the laboratory of this program"));
  return entry(name.c_str(), arguments.data(), arguments.size());
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") return help();
  const std::string& name = words[0];
  const Arguments arguments = Arguments(words).subspan(1);
  const auto command = std::ranges::find(kCommands, name, &Command::name);
  if (command == std::end(kCommands)) {
    std::vector<std::string> known;
    for (const Command& each : kCommands) known.emplace_back(each.name);
    return fail(subband::ConfigError(
        "command line", name + ": unknown command" + subband::suggestion(name, known), "unknown_option"));
  }
  const bool raw = name == "compose" && std::ranges::find(words, "--raw") != words.end();
  if (raw) return subband::command_compose_raw(arguments);
  return command->plain ? command->plain(arguments) : in_laboratory(name, arguments);
}
