#include "runs/identity.h"

#include <algorithm>

#include "core/hash.h"

namespace subband {

using config::Entry;
using config::Node;

// Parts side by side are a map from label to part, and work in the order of its keys.
static bool is_map_of_parts(const Node& node) {
  return node.size() > 1 && std::ranges::all_of(node.entries(), [](const Entry& entry) {
           return entry.value.is(Node::Kind::map) && entry.value.find("type") != nullptr;
         });
}

// The tree in which sorting the keys loses nothing that counts.
static Node canonical(const Node& node) {
  if (node.is(Node::Kind::list)) {
    Node list = Node::list();
    for (const Node& item : node.items()) list.items().push_back(canonical(item));
    return list;
  }
  if (!node.is(Node::Kind::map)) return node;
  Node map = Node::map();
  Node order = Node::list();
  for (const Entry& entry : node.entries()) {
    map.entries().push_back({.key = entry.key, .value = canonical(entry.value)});
    order.items().emplace_back(entry.key);
  }
  if (is_map_of_parts(node)) map.set("(order)", std::move(order));
  return map;
}

std::string run_identity(const Node& identity, const std::map<std::string, int>& parts,
                         const DataManifest& data) {
  Node whole = Node::map();
  whole.set("config", canonical(identity));
  Node& versions = whole.set("parts", Node::map());
  for (const auto& [part, version] : parts) versions.set(part, Node(int64_t{version}));
  Node& checksums = whole.set("data", Node::map());
  for (const auto& [name, checksum] : data) checksums.set(name, Node(checksum));
  return sha256_hex(config::to_json(whole, true));
}

}  // namespace subband
