#include "core/config/yaml/text.h"

#include <algorithm>

namespace subband::config {

size_t count_nodes(const Node& node) {
  size_t count = 1;
  if (node.is(Node::Kind::list))
    for (const Node& item : node.items()) count += count_nodes(item);
  if (node.is(Node::Kind::map))
    for (const Entry& entry : node.entries()) count += count_nodes(entry.value);
  return count;
}

std::string with_line_feeds(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] != '\r')
      out += text[i];
    else if (!text.substr(i + 1).starts_with('\n'))
      out += '\n';
  return out;
}

size_t behind_properties(std::string_view text, size_t offset) {
  size_t i = offset;
  while (i < text.size() && std::string_view("&! \n").find(text[i]) != std::string_view::npos) {
    if (text[i] == '&' || text[i] == '!')
      i = std::min(text.find_first_of(" \t\n", i), text.size());
    else
      ++i;
  }
  return i;
}

}  // namespace subband::config
