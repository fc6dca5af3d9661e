#include "core/program/command_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/program/catalogue.h"
#include "core/text.h"

namespace subband {

namespace {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

// Asks the command itself; nothing is carried out.
std::vector<std::string> options_of(const Command& command, const std::vector<std::string>& verbs) {
  std::vector<std::string> words = verbs;
  words.emplace_back(kAsksOptions);
  try {
    (void)run_command(command, words, Catalogue(), [](const ChangedStore&) {});
  } catch (const DeclaredOptions& declared) {
    return declared.names;
  }
  return {};
}

}  // namespace

const Command* find_command(const CommandTable& table, const std::string& name) {
  const auto found = std::ranges::find(table, name, &Command::name);
  return found == table.end() ? nullptr : &*found;
}

int run_command(const Command& command, Arguments arguments, const Catalogue& catalogue,
                const std::function<void(const ChangedStore&)>& changed) {
  const auto change = [&](int (*run)(Arguments, ChangedStore&)) {
    ChangedStore store;
    const int code = run(arguments, store);
    changed(store);
    return code;
  };
  return std::visit(
      Overloaded{[&](int (*run)(Arguments)) { return run(arguments); }, change,
                 [&](int (*run)(Arguments, const Catalogue&)) { return run(arguments, catalogue); }},
      command.run);
}

std::vector<CatalogueCommand> catalogue_commands(const CommandTable& table) {
  std::vector<CatalogueCommand> commands;
  for (const Command& each : table) {
    CatalogueCommand command{each.name, each.summary, each.words, {{"", options_of(each, {})}}};
    if (!each.words.empty() && each.words.front().find('|') != std::string::npos)
      for (const std::string& verb : split(each.words.front(), '|'))
        command.options[verb] = options_of(each, {verb});
    commands.push_back(std::move(command));
  }
  return commands;
}

std::string help_text(const std::vector<CatalogueCommand>& commands) {
  std::string text = "subband: a laboratory for sequence mixers\n\n  subband COMMAND --help\n\n";
  for (const CatalogueCommand& each : commands) text += fmt::format("  {:<11} {}\n", each.name, each.summary);
  return text + "\nExample\n  subband sweep quickstart --dry-run\n";
}

void refuse_command(const std::string& name, const std::vector<CatalogueCommand>& commands) {
  std::vector<std::string> known;
  for (const CatalogueCommand& each : commands) known.push_back(each.name);
  throw ConfigError("command line", name + ": unknown command" + suggestion(name, known), "unknown_option");
}

}  // namespace subband
