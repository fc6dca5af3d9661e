// One node of the tree that defaults lists span. Internal to core/config.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config/compose/defaults.h"

namespace subband::config {

struct DefaultsNode {
  DefaultEntry entry;
  std::string base;                     ///< group path of the including config
  std::string base_package;             ///< and its package
  std::optional<std::string> header;    ///< package header of the chosen config, made absolute
  const InputConfig* config = nullptr;  ///< once loaded
  bool gone = false;                    ///< deleted, null, or optional and absent
  std::vector<std::unique_ptr<DefaultsNode>> children;

  bool is_group() const { return entry.kind == DefaultEntry::Kind::group; }
  /// `a/b` of the group, or of the folder of a config.
  std::string group_path() const;
  std::string config_path() const;
  /// Where the content lands. The header counts only where the entry names no package.
  std::string package(bool with_header) const;
  /// `group`, or `group@package` where the package is not the group's own.
  std::string key() const;
};

/// `${group}` inside an option, put in from the choices made so far; nothing while one is unknown.
/// ConfigError (`interpolation`, `syntax`) for what can never be known.
std::optional<std::string> fill_in_choices(const std::string& text,
                                           const std::map<std::string, std::string>& choices,
                                           const Place& place, std::string& unknown);

}  // namespace subband::config
