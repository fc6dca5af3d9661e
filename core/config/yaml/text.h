// What the YAML reader needs to know of text and trees beyond its parser. Internal to core/config.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "core/config/node.h"
#include "core/config/yaml.h"

namespace subband::config {

/// The text of a file, unless it is too long for a spec. `shown` names it in messages.
std::string read_yaml_text(const std::filesystem::path& path, const std::string& shown);

/// parse_yaml where keys are labels: `1.1` and `1.10` are two, as they were typed, though equal as numbers.
Node parse_labels(std::string_view text, const std::string& source, Warnings* warnings);

/// Values of a tree, itself included.
size_t count_nodes(const Node& node);

/// The text with line feeds alone where lines end in carriage returns, with line feeds or without.
std::string with_line_feeds(std::string_view text);

/// Where the word begins at or behind `offset`, past an anchor and a tag and the space behind them.
size_t behind_properties(std::string_view text, size_t offset);

}  // namespace subband::config
