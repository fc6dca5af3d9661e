#include "core/config/yaml_text.h"

#include <algorithm>

#include "core/text.h"

namespace subband::config {

size_t count_nodes(const Node& node) {
  size_t count = 1;
  if (node.is(Node::Kind::list))
    for (const Node& item : node.items()) count += count_nodes(item);
  if (node.is(Node::Kind::map))
    for (const Entry& entry : node.entries()) count += count_nodes(entry.value);
  return count;
}

std::string with_whole_escapes(const std::string& text) {
  if (is_utf8(text)) return text;
  std::string out;
  for (size_t i = 0; i < text.size();) {
    size_t length = 1;
    while (length <= 4 && !is_utf8(std::string_view(text).substr(i, length))) ++length;
    if (length <= 4)
      out.append(text, i, length), i += length;
    else
      out += '\xC2', out += text[i++];
  }
  return out;
}

bool quote_is_open(std::string_view text, size_t offset) {
  size_t i = offset;
  while (i < text.size() && std::string_view("&! \t\n").find(text[i]) != std::string_view::npos) {
    if (text[i] == '&' || text[i] == '!')
      i = std::min(text.find_first_of(" \t\n", i), text.size());
    else
      ++i;
  }
  if (i >= text.size() || (text[i] != '\'' && text[i] != '"')) return false;  // a block scalar
  const char quote = text[i++];
  const auto doubled = [&] { return quote == '\'' && text.substr(i).starts_with("''"); };
  while (i < text.size() && (text[i] != quote || doubled()))
    i += doubled() || (quote == '"' && text[i] == '\\') ? 2 : 1;
  return i >= text.size();
}

}  // namespace subband::config
