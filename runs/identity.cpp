#include "runs/identity.h"

#include <algorithm>
#include <vector>

#include "core/hash.h"

namespace subband {

using config::Entry;
using config::Node;

namespace {

// Parts side by side are a map from label to part, and work in the order of its keys.
bool is_map_of_parts(const Node& node) {
  return node.size() > 1 && std::ranges::all_of(node.entries(), [](const Entry& entry) {
           return entry.value.is(Node::Kind::map) && entry.value.find("type") != nullptr;
         });
}

// JSON with the keys in byte order; parts side by side have their order besides, as a list under `(order)`.
class Canonical {
 public:
  std::string take() { return std::move(out_); }

  void add(const Node& node) {
    if (node.is(Node::Kind::list))
      add_list(node);
    else if (node.is(Node::Kind::map))
      add_map(node);
    else
      out_ += config::to_json(node);
  }

 private:
  void add_list(const Node& node) {
    out_ += '[';
    for (const Node& item : node.items()) {
      if (&item != &node.items().front()) out_ += ", ";
      add(item);
    }
    out_ += ']';
  }

  void add_map(const Node& node) {
    static const std::string kOrder = "(order)";
    std::vector<std::pair<const std::string*, const Node*>> sorted;
    sorted.reserve(node.size() + 1);
    for (const Entry& entry : node.entries()) sorted.emplace_back(&entry.key, &entry.value);
    if (is_map_of_parts(node)) sorted.emplace_back(&kOrder, nullptr);
    std::ranges::sort(sorted, {}, [](const auto& each) -> const std::string& { return *each.first; });
    out_ += '{';
    for (const auto& [key, value] : sorted) {
      if (key != sorted.front().first) out_ += ", ";
      out_ += config::json_string(*key) + ": ";
      value != nullptr ? add(*value) : add_order(node);
    }
    out_ += '}';
  }

  void add_order(const Node& parts) {
    out_ += '[';
    for (const Entry& entry : parts.entries()) {
      if (&entry != &parts.entries().front()) out_ += ", ";
      out_ += config::json_string(entry.key);
    }
    out_ += ']';
  }

  std::string out_;
};

}  // namespace

std::string run_identity(const Node& identity, const std::map<std::string, int>& parts,
                         const DataManifest& data) {
  Node versions = Node::map();
  for (const auto& [part, version] : parts) versions.set(part, Node(int64_t{version}));
  Node checksums = Node::map();
  for (const auto& [name, checksum] : data) checksums.set(name, Node(checksum));
  Node whole = Node::map();
  whole.set("data", std::move(checksums));
  whole.set("parts", std::move(versions));
  Canonical config, rest;
  config.add(identity);
  rest.add(whole);
  return sha256_hex("{\"config\": " + config.take() + ", " + rest.take().substr(1));
}

}  // namespace subband
