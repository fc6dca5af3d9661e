#include "core/config/yaml/frame.h"

#include <memory>
#include <optional>

#include "core/config/limits.h"
#include "core/config/yaml/checks.h"
#include "core/text.h"

namespace subband::config {

// Earlier maps win over later ones, the map's own keys over all.
static Node with_merged(Node map, const std::vector<Node>& brought) {
  Node whole = Node::map();
  whole.place = map.place;
  const auto add = [&](const Entry& entry, bool wins) {
    for (Entry& present : whole.entries())
      if (present.key == entry.key && present.key_kind == entry.key_kind) {
        if (wins) present = entry;
        return;
      }
    whole.entries().push_back(entry);
  };
  for (const Node& each : brought)
    for (const Entry& entry : each.entries()) add(entry, false);
  for (const Entry& entry : map.entries()) add(entry, true);
  return whole;
}

static const Entry* twin_of(const Node& map, const Entry& entry) {
  for (const Entry& present : map.entries())
    if (present.key == entry.key && present.key_kind == entry.key_kind) return &present;
  return nullptr;
}

// A number, or the label that was made of one.
static std::optional<double> number_of(const Entry& entry) {
  const bool is_number = entry.key_kind == Node::Kind::integer || entry.key_kind == Node::Kind::number;
  const bool is_label = entry.key_kind == Node::Kind::string && entry.key_place.typed != nullptr;
  return is_number || is_label ? parse_number(entry.key) : std::nullopt;
}

static void become_label(Entry& entry) {
  entry.key = entry.label();
  entry.key_kind = Node::Kind::string;
  entry.key_place.typed = std::make_shared<const std::string>(entry.key);
}

// Keys of one value that were typed differently become texts.
static void tell_apart(Node& map, Entry& entry) {
  const auto number = number_of(entry);
  for (Entry& present : map.entries()) {
    if (!number || number_of(present) != number || present.label() == entry.label()) continue;
    become_label(present);
    become_label(entry);
  }
}

void YamlFrame::accept_key(const Node& next, bool plain) {
  if (next.is(Node::Kind::null)) refuse_yaml(next.place, "null cannot be a key; quote it", "bad_value");
  Entry entry;
  entry.key_kind = next.kind();
  if (next.is(Node::Kind::list) || next.is(Node::Kind::map))
    refuse_yaml(next.place, "a key must be one word");
  entry.key = next.is(Node::Kind::string) ? next.string() : to_json(next);
  if (next.is(Node::Kind::number)) entry.key = number_text(next.number());
  entry.key_place = next.place;
  merge_key = plain && entry.key == "<<";
  if (labels && !merge_key) tell_apart(node, entry);
  if (const Entry* twin = merge_key ? nullptr : twin_of(node, entry))
    refuse_yaml(next.place, entry.label() + ": the key stands twice; first " +
                                (twin->label() == entry.label() ? "" : "as " + twin->label() + " ") + "at line " +
                                std::to_string(twin->key_place.line));
  if (node.size() >= kMostKeys) refuse_yaml(next.place, "more than 2,000 keys in one map");
  key = std::move(entry);
}

void YamlFrame::accept_value(Node next) {
  if (merge_key) {
    const std::vector<Node> brought = next.is(Node::Kind::list) ? next.items() : std::vector<Node>{next};
    for (const Node& each : brought) {
      if (!each.is(Node::Kind::map)) refuse_yaml(next.place, "<<: expected a map or a list of maps");
      merged.push_back(each);
    }
  } else {
    key->value = std::move(next);
    node.entries().push_back(std::move(*key));
  }
  key.reset();
}

void YamlFrame::accept(Node next, bool plain) {
  if (!is_map())
    node.items().push_back(std::move(next));
  else if (!key)
    accept_key(next, plain);
  else
    accept_value(std::move(next));
}

Node YamlFrame::take() { return merged.empty() ? std::move(node) : with_merged(std::move(node), merged); }

}  // namespace subband::config
