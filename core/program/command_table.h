// The commands of the program. Each is added by the file that carries it out, from a `subband_command` line of its
// folder; help, completion and the answer to a mistyped name read the same table.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/program/command.h"

namespace subband {

struct Catalogue;
struct CatalogueCommand;

/// The store whose runs a command changed: the program brings what is rendered from all runs (`runs.md`) up to date.
struct ChangedStore {
  std::optional<std::filesystem::path> root;  ///< nothing: no store was changed
  bool quiet = false;
};

struct Command {
  std::string name, summary;
  /// What stands behind it, word by word: a group of configs (`recipe`), `override`, `kind`, `part` (of the kind before
  /// it), or `this|that`. A last one that ends in `…` counts for all further words.
  std::vector<std::string> words;
  std::variant<int (*)(Arguments), int (*)(Arguments, ChangedStore&), int (*)(Arguments, const Catalogue&)> run;
};
using CommandTable = std::vector<Command>;

/// nullptr where there is none of that name.
const Command* find_command(const CommandTable& table, const std::string& name);

/// Carries it out; `changed` hears which store it changed.
int run_command(const Command& command, Arguments arguments, const Catalogue& catalogue,
                const std::function<void(const ChangedStore&)>& changed);

/// The table as the catalogue keeps it, each command with the options it declares.
std::vector<CatalogueCommand> catalogue_commands(const CommandTable& table);

/// `subband help`.
std::string help_text(const std::vector<CatalogueCommand>& commands);

/// ConfigError (`unknown_option`) with the nearest name.
[[noreturn]] void refuse_command(const std::string& name, const std::vector<CatalogueCommand>& commands);

}  // namespace subband
