// A list or map of which the parser has seen the beginning. Internal to core/config.
#pragma once
#include <optional>
#include <vector>

#include "core/config/node.h"

namespace subband::config {

struct YamlFrame {
  Node node;
  size_t anchor = 0;         ///< that names it; 0: none
  bool block = false;        ///< written with indentation, not brackets
  std::optional<Entry> key;  ///< a map's key that waits for its value
  bool has_colon = true;     ///< and what follows it is a colon, as far as can be seen
  bool question = false;     ///< and `? ` stands before it
  bool merge_key = false;    ///< it is a plain `<<`
  bool labels = false;       ///< keys are labels: numbers that are equal and typed differently are two
  std::vector<Node> merged;  ///< what `<<` brought

  bool is_map() const { return node.is(Node::Kind::map); }
  /// The next item, key or value. ConfigError for a key that stands twice or is no word.
  void accept(Node next, bool plain);
  /// The whole, when its end is seen: what `<<` brought stands first, and yields to the map's own keys.
  Node take();

 private:
  void accept_key(const Node& next, bool plain);
  void accept_value(Node next);
};

}  // namespace subband::config
