// How values look inside text that interpolations make.
#include "core/config/override/value_parser.h"
#include "core/text.h"

namespace subband::config {

std::string text_of(const Node& node) {
  switch (node.kind()) {
    case Node::Kind::null:
      return "null";
    case Node::Kind::string:
      return node.string();
    case Node::Kind::list: {
      std::vector<std::string> items;
      for (const Node& item : node.items()) items.push_back(text_of(item));
      return "[" + join(items, ", ") + "]";
    }
    case Node::Kind::map: {
      std::vector<std::string> entries;
      for (const Entry& entry : node.entries()) entries.push_back(entry.key + ": " + text_of(entry.value));
      return "{" + join(entries, ", ") + "}";
    }
    case Node::Kind::number:
      return number_text(node.number());
    default:
      return to_json(node);
  }
}

std::string character_at(std::string_view text, size_t offset) {
  if (offset >= text.size()) return "";
  size_t end = offset + 1;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  return std::string(text.substr(offset, end - offset));
}

}  // namespace subband::config
