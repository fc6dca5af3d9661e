#include "core/config/merge.h"

#include <algorithm>

#include "core/config/compose/list_edit.h"
#include "core/config/compose/merger.h"
#include "core/config/limits.h"
#include "core/config/yaml/text.h"
#include "core/error.h"
#include "core/registry.h"
#include "core/text.h"

namespace subband::config {

namespace {

Entry* find_same_key(Node& map, const Entry& like) {
  for (Entry& entry : map.entries())
    if (entry.key == like.key && entry.key_kind == like.key_kind) return &entry;
  return nullptr;
}

std::string path_text(const std::vector<Step>& way) { return Location{nullptr, way, false, false}.path(); }

bool is_container(const Node& node) { return node.is(Node::Kind::map) || node.is(Node::Kind::list); }

bool changes_type(const Node& earlier, const Node& later, const std::vector<Step>& way, Language language) {
  const Node* after = later.find("type");
  if (after == nullptr || after->is_missing()) return false;
  if (const Node* before = earlier.find("type")) return !(*before == *after);
  const std::string_view label = way.empty() ? std::string_view() : way.back().key;
  return language.names_part(label) && !(*after == Node(std::string(label)));
}

}  // namespace

bool Language::names_part(std::string_view label) const {
  if (registry_ == nullptr) return false;
  return std::ranges::any_of(registry_->kinds(), [&](const std::string& kind) {
    return registry_->find(kind)->info(label) != nullptr;
  });
}

Node* find_text_key(Node& map, std::string_view key) {
  for (Entry& entry : map.entries())
    if (entry.key == key && entry.key_kind == Node::Kind::string) return &entry.value;
  return nullptr;
}

void Merger::open(Node& value) {
  if (!value.is(Node::Kind::string) || value.is_missing()) return;
  if (may_interpolate(value.string())) {
    Node copy;
    try {
      Interpolator in(root_);
      const Location target = in.follow({&value, way_, false, false});
      const bool opens = is_container(*target.node) && !target.opaque;
      if (opens) copied_ += count_nodes(*target.node);
      if (opens && copied_ <= kMostValues) copy = *target.node;
    } catch (const ConfigError&) {  // a reference that leads nowhere yet is a scalar like any other
    }
    if (copied_ > kMostValues)
      throw ConfigError(value.place.text(),
                        path_text(way_) + ": more than 100,000 values copied to be changed", "bad_value");
    if (is_container(copy)) value = std::move(copy);
  }
  if (language_.has_parts() && value.is(Node::Kind::string) && !may_interpolate(value.string())) {
    Node part = Node::map();
    part.place = value.place;
    part.set("type", std::move(value));
    value = std::move(part);
  }
}

void Merger::lay_over(Node& map, Node over) {
  for (Entry& entry : over.entries()) {
    Entry* present = find_same_key(map, entry);
    if (present == nullptr) {
      if (closed_) {
        std::vector<std::string> known;
        for (const Entry& each : map.entries()) known.push_back(each.key);
        const std::string path = path_text(way_);
        throw ConfigError(entry.value.place.text(),
                          (path.empty() ? "" : path + ".") + entry.key + ": unknown key" +
                              suggestion(entry.key, known) + "; write + before the override to add it",
                          "unknown_key");
      }
      if (map.size() >= kMostKeys)
        throw ConfigError(entry.key_place.text(), entry.key + ": more than 2,000 keys in one map",
                          "bad_value");
      map.entries().push_back(std::move(entry));
      continue;
    }
    way_.push_back({&map, present->key, 0});
    replace(present->value, std::move(entry.value));
    way_.pop_back();
  }
}

void Merger::replace(Node& value, Node over) {
  if (over.is_missing()) return;
  if (is_container(over)) {
    if (value.is(Node::Kind::string) && (over.is(Node::Kind::map) || may_interpolate(value.string())))
      open(value);
    if (value.is(Node::Kind::list) && is_list_edit(over)) return edit_list(value, over, path_text(way_));
    const bool clash = is_container(value) && value.kind() != over.kind();
    if (clash) {
      const std::string path = path_text(way_);
      throw ConfigError(over.place.text(),
                        (path.empty() ? "" : path + ": ") + "a " + over.kind_name() + " cannot replace the " +
                            value.kind_name() + " of " + value.place.text(),
                        "bad_value");
    }
    const bool joins =
        value.is(Node::Kind::map) && !(language_.has_parts() && changes_type(value, over, way_, language_));
    if (joins) return lay_over(value, std::move(over));
  }
  value = std::move(over);
}

size_t merge(Node& root, Node over, Language language) {
  Merger merger(root, language, false);
  merger.lay_over(root, std::move(over));
  return merger.copied();
}

}  // namespace subband::config
