// YAML in. Every node and key knows its file, line and column. The language is YAML 1.2 in one document: no
// duplicate keys, no tabs as indentation, no tags but the standard ones, no larger than core/config/limits.h says.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/node.h"

namespace subband::config {

/// Warnings that do not stop a composition: one line each, `file:line:column: what`.
using Warnings = std::vector<std::string>;

/// The value of a text; null for an empty one. `source` names it in places and messages.
/// ConfigError of kind `syntax` (or `bad_value` for an integer beyond 64 bits, a null key).
Node parse_yaml(std::string_view text, const std::string& source, Warnings* warnings = nullptr);

/// parse_yaml of a file, under its path's name; keys are labels: `1.1` and `1.10` are two. Error where it cannot be read.
Node read_yaml(const std::filesystem::path& path, Warnings* warnings = nullptr);

}  // namespace subband::config
