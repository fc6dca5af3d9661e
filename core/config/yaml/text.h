// What the YAML reader needs to know of text and trees beyond its parser. Internal to core/config.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "core/config/node.h"

namespace subband::config {

/// The text of a file, unless it is too long for a spec. `shown` names it in messages.
std::string read_yaml_text(const std::filesystem::path& path, const std::string& shown);

/// Values of a tree, itself included.
size_t count_nodes(const Node& node);

/// yaml-cpp makes one byte of each of the escapes \N and \_ in double quotes; in UTF-8 they are two.
std::string with_whole_escapes(const std::string& text);

/// The text with line feeds alone where lines end in carriage returns, with line feeds or without.
std::string with_line_feeds(std::string_view text);

/// Where the word begins at or behind `offset`, past an anchor and a tag and the space behind them.
size_t behind_properties(std::string_view text, size_t offset);

/// `read`, what yaml-cpp makes of the quoted scalar at `offset`, with every line break before its closing quote: of
/// several yaml-cpp may drop one.
std::string with_last_breaks(std::string read, std::string_view text, size_t offset);

/// `read`, what yaml-cpp makes of the folded scalar whose header `>…` stands at `offset`, without an indentation
/// indicator, with the blanks at its end as they should be: yaml-cpp drops a line break of `>+`, and keeps what stands
/// before the end of the text. PyYAML, scanner.py, `scan_block_scalar`.
std::string with_folds(std::string read, std::string_view text, size_t offset);

/// Whether the quoted scalar at `offset` (perhaps behind an anchor or tag) runs to the end of the text unclosed.
bool quote_is_open(std::string_view text, size_t offset);

}  // namespace subband::config
