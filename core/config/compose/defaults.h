// From a primary config to the flat list of input configs: defaults lists read depth first, with the choices of the
// command line and of `override` entries.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/config/search_path.h"
#include "core/error.h"

namespace subband::config {

/// What the command line says of groups. The `used` marks are set while the list is built.
struct GroupWords {
  struct Selection {
    Choice choice;
    std::string word;  ///< the whole word
    bool used = false;
    std::vector<Problem> problems = {};  ///< why the choice is none: said where something asks for it
  };
  struct Deletion {
    std::optional<std::string> option;  ///< only this one
    std::string word;
    Place place;
    bool used = false;
  };
  std::map<std::string, Selection> selections;  ///< `group` or `group@package` -> what it is to be
  std::map<std::string, Deletion> deletions;
  std::vector<DefaultEntry> appended;
};

/// One config of the list and where its content lands; package "" is the root.
struct PlacedConfig {
  const InputConfig* config = nullptr;
  std::string package;
};

struct DefaultsList {
  std::vector<PlacedConfig> configs;           ///< in the order in which they are laid over one another
  std::map<std::string, std::string> choices;  ///< group -> option; `null` where nothing was chosen
  std::vector<Problem> problems;               ///< that leave the list what it is: a missing `_self_`
  Warnings warnings;
};

/// Builds the list of `primary`, a config's path. `package`: where it lands, if not where its group says.
/// ConfigError: unknown_option, missing_group_override, already_exists, missing_value, cycle, interpolation, syntax.
DefaultsList build_defaults(SearchPath& search, const std::string& primary,
                            const std::optional<std::string>& package, GroupWords& words);

}  // namespace subband::config
