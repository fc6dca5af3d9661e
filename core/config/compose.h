// Composition: from a primary config and the words of a command line to one resolved tree.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/config/node.h"
#include "core/config/search_path.h"
#include "core/config/yaml.h"

namespace subband::config {

struct ComposeRequest {
  std::string primary;                 ///< a config's name, or the path of a file (not where `raw`)
  std::vector<std::string> overrides;  ///< `a.b=c`, `+a=b`, `~a`, `group=option`
  std::vector<GroupFolder> folders;    ///< searched in this order
  const Registry* registry = nullptr;  ///< its parts are options of the groups named after their kinds
  /// Hydra's language alone: a closed tree, no parts.
  bool raw = false;
  /// Not raw: the primary's group (`recipe`, `sweep`). Its configs land at the root unless they say otherwise.
  std::string group = "recipe";
  /// Not raw: how a primary is read that is a file of another format, by its extension (`.json`).
  std::map<std::string, Dialect> dialects = {};
  /// Not raw: options of a group that are made from their names.
  std::map<std::string, MadeOption> made_options = {};
};

struct Composition {
  Node config;      ///< interpolations resolved; each value's place says who set it last
  Node unresolved;  ///< interpolations as text
  std::map<std::string, std::string> choices;  ///< group -> option
  Warnings warnings;
};

/// The sources of a request. Reading them is most of a composition's cost: who composes often keeps one.
SearchPath search_path_of(const ComposeRequest& request);

/// Composes. ConfigError of kind syntax, unknown_key, already_exists, unknown_option, missing_group_override, ambiguous,
/// bad_value, cycle, interpolation or missing_value; Error where a file cannot be read.
Composition compose(const ComposeRequest& request);
/// The same from sources that were read before; `search` must be the request's own.
Composition compose(const ComposeRequest& request, SearchPath& search);
/// The same without resolving: `config` equals `unresolved`.
Composition compose_unresolved(const ComposeRequest& request);

/// The folders of `groups` (group, folder below `root`; see Registry::groups), then `extra` folders as whole trees.
std::vector<GroupFolder> standard_folders(const std::filesystem::path& root,
                                          const std::vector<std::pair<std::string, std::string>>& groups,
                                          const std::vector<std::filesystem::path>& extra);

/// One line a value, `path = value    # place`, in the order of the tree.
std::string origins_text(const Node& config);

}  // namespace subband::config
