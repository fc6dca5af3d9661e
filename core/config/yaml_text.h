// What the YAML reader needs to know of text and trees beyond its parser. Internal to core/config.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/node.h"

namespace subband::config {

/// The text of a file, unless it is too long for a spec. `shown` names it in messages.
std::string read_yaml_text(const std::filesystem::path& path, const std::string& shown);

/// Values of a tree, itself included.
size_t count_nodes(const Node& node);

/// `map` with what `<<` brought: that stands first, and yields to the map's own keys; earlier maps win over later.
Node with_merged(Node map, const std::vector<Node>& brought);

/// yaml-cpp makes one byte of each of the escapes \N and \_ in double quotes; in UTF-8 they are two.
std::string with_whole_escapes(const std::string& text);

/// Whether the quoted scalar at `offset` (perhaps behind an anchor or tag) runs to the end of the text unclosed.
bool quote_is_open(std::string_view text, size_t offset);

/// The first tab that stands between words, if there is one: outside quotes, comments and block scalars. PyYAML refuses
/// those too (scanner.py, `fetch_more_tokens`); yaml-cpp passes over most of them.
std::optional<size_t> tab_between_words(std::string_view text);

/// Where a text stops being UTF-8.
Place first_bad_byte(std::string_view text, const std::string& source);

}  // namespace subband::config
