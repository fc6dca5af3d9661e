// subband: one command line. Commands that need no tensors answer at once; the others live behind the laboratory
// library, which brings LibTorch and is loaded when one of them is asked for.
#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "analysis/ledger.h"
#include "core/error.h"
#include "core/files.h"
#include "core/languages/terminal.h"
#include "core/program/catalogue.h"
#include "core/program/command_table.h"
#include "core/program/completion.h"
#include "core/program/compose_command.h"
#include "core/program/own_parts_option.h"
#include "core/program/surroundings.h"
#include "runs/record/program_version.h"

namespace subband {

// Generated from the folders' CMakeLists.txt.
void register_core_commands(CommandTable& table);
void register_runs_commands(CommandTable& table);
void register_analysis_commands(CommandTable& table);

static std::filesystem::path beside_program(const char* name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

static int fail(const Error& error) {
  std::cerr << error_lines(error);
  return error.exit_code();
}

static int in_laboratory(const std::string& name, Arguments arguments) {
  const auto library = beside_program("libsubband_laboratory.so");
  void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (handle == nullptr)
    return fail(Error(library.string(), std::string("cannot be loaded: ") + ::dlerror()));
  using Entry = int (*)(const char*, const std::string*, size_t);
  const auto entry = reinterpret_cast<Entry>(::dlsym(handle, "subband_laboratory"));
  if (entry == nullptr) return fail(Error(library.string(), "is not the laboratory of this program"));
  return entry(name.c_str(), arguments.data(), arguments.size());
}

// `--parts FILE`: known before anything is looked up, for the catalogue does not have them.
static void take_own_parts(const std::vector<std::string>& words) {
  constexpr std::string_view kOption = "--parts";
  std::vector<std::string> files;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == kOption && i + 1 < words.size()) files.push_back(words[++i]);
    if (words[i].starts_with("--parts=")) files.push_back(words[i].substr(kOption.size() + 1));
  }
  if (!files.empty()) set_own_parts(files);
}

static bool has_own_parts() {
  const char* files = std::getenv("SUBBAND_PARTS");
  return files != nullptr && *files != '\0';
}

// What there is is read from the catalogue that the build wrote; the laboratory knows it too, but takes longer.
static std::optional<Catalogue> installed() {
  return installed_catalogue(beside_program("catalogue.json"), beside_program("libsubband_laboratory.so"));
}

static int help() {
  const auto catalogue = installed();
  if (!catalogue) return in_laboratory("help", {});
  std::cout << help_text(catalogue->commands);
  return 0;
}

// A shell waits: without a catalogue no candidates rather than late ones.
static int complete(Arguments arguments) {
  std::vector<std::string> words(arguments.begin(), arguments.end());
  if (!words.empty() && words.front() == "--") words.erase(words.begin());
  if (const auto catalogue = installed())
    for (const std::string& each : completions(*catalogue, program_root(), words)) std::cout << each << "\n";
  return 0;
}

static int answer(const std::string& name, Arguments arguments) {
  if (name == "--help" || name == "-h" || name == "help") return help();
  if (name == "--version") {
    std::cout << "subband " << program_version_text() << "\n";
    return 0;
  }
  if (name == "complete") return complete(arguments);
  if (name == "compose" && std::ranges::find(arguments, "--raw") != arguments.end())
    return command_compose_raw(arguments);
  const bool asks_a_task = name == "list" && !arguments.empty() && arguments.front() == "metric";
  if (asks_a_task) return in_laboratory(name, arguments);
  CommandTable table;
  register_core_commands(table);
  register_runs_commands(table);
  register_analysis_commands(table);
  const Command* command = find_command(table, name);
  if (command == nullptr) return in_laboratory(name, arguments);
  if (!std::holds_alternative<int (*)(Arguments, const Catalogue&)>(command->run))
    return run_command(*command, arguments, Catalogue(), update_ledger);
  const auto catalogue = has_own_parts() ? std::nullopt : installed();
  return catalogue ? run_command(*command, arguments, *catalogue, update_ledger) : in_laboratory(name, arguments);
}

}  // namespace subband

int main(int argc, char** argv) {
  subband::open_standard_files();
  const std::vector<std::string> words(argv + 1, argv + argc);
  subband::take_own_parts(words);
  const int code = words.empty() ? subband::answer("help", {})
                                 : subband::answer(words.front(), subband::Arguments(words).subspan(1));
  return subband::finished(code);
}
