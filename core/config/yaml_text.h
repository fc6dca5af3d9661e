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

/// Whether the quoted scalar at `offset` (perhaps behind an anchor or tag) runs to the end of the text unclosed.
bool quote_is_open(std::string_view text, size_t offset);

}  // namespace subband::config
