#include "core/config/node.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/text.h"

namespace subband::config {

std::string Place::text() const {
  if (!source) return "";
  if (line == 0) return *source;
  return *source + ":" + std::to_string(line) + ":" + std::to_string(column);
}

Node::Node() = default;
Node::Node(const Node& other) = default;
Node::Node(Node&& other) noexcept = default;
Node& Node::operator=(const Node& other) = default;
Node& Node::operator=(Node&& other) noexcept = default;
Node::~Node() = default;
Node::Node(bool value) : kind_(Kind::boolean), integer_(value) {}
Node::Node(int64_t value) : kind_(Kind::integer), integer_(value) {}
Node::Node(double value) : kind_(Kind::number), number_(value) {}
Node::Node(std::string value) : kind_(Kind::string), string_(std::move(value)) {}
Node::Node(const char* value) : Node(std::string(value)) {}

Node Node::list(std::vector<Node> items) {
  Node node;
  node.kind_ = Kind::list;
  node.items_ = std::move(items);
  return node;
}

Node Node::map() {
  Node node;
  node.kind_ = Kind::map;
  return node;
}

const char* Node::kind_name() const {
  constexpr const char* kNames[] = {"null", "boolean", "integer", "number", "string", "list", "map"};
  return kNames[static_cast<size_t>(kind_)];
}

bool Node::boolean() const {
  assert(is(Kind::boolean));
  return integer_ != 0;
}

int64_t Node::integer() const {
  assert(is(Kind::integer));
  return integer_;
}

double Node::number() const {
  assert(is(Kind::number) || is(Kind::integer));
  return is(Kind::integer) ? static_cast<double>(integer_) : number_;
}

const std::string& Node::string() const {
  assert(is(Kind::string));
  return string_;
}

const std::vector<Node>& Node::items() const {
  assert(is(Kind::list));
  return items_;
}

std::vector<Node>& Node::items() {
  assert(is(Kind::list));
  return items_;
}

const std::vector<Entry>& Node::entries() const {
  assert(is(Kind::map));
  return entries_;
}

std::vector<Entry>& Node::entries() {
  assert(is(Kind::map));
  return entries_;
}

size_t Node::size() const { return is(Kind::list) ? items_.size() : entries_.size(); }

const Node* Node::find(std::string_view key) const {
  for (const Entry& entry : entries_)
    if (entry.key == key) return &entry.value;
  return nullptr;
}

Node* Node::find(std::string_view key) { return const_cast<Node*>(std::as_const(*this).find(key)); }

Node& Node::set(std::string_view key, Node value) {
  assert(is(Kind::map));
  if (Node* present = find(key)) return *present = std::move(value);
  Place written = value.place;
  return entries_.emplace_back(Entry{std::string(key), Kind::string, std::move(written), std::move(value)})
      .value;
}

bool Node::erase(std::string_view key) {
  return std::erase_if(entries_, [&](const Entry& entry) { return entry.key == key; }) > 0;
}

const Node* Node::at(std::string_view path) const {
  const Node* node = this;
  for (const std::string& key : split(path, '.')) {
    if (node->is(Kind::list)) {
      const auto index = parse_integer(key);
      if (!index || *index < 0 || static_cast<size_t>(*index) >= node->items_.size()) return nullptr;
      node = &node->items_[static_cast<size_t>(*index)];
    } else {
      node = node->find(key);
      if (node == nullptr) return nullptr;
    }
  }
  return node;
}

Node& Node::set_at(std::string_view path, Node value) {
  Node* node = this;
  const std::vector<std::string> keys = split(path, '.');
  for (size_t i = 0;; ++i) {
    if (!node->is(Kind::map)) *node = Node::map();
    if (i + 1 == keys.size()) return node->set(keys[i], std::move(value));
    Node* child = node->find(keys[i]);
    node = child ? child : &node->set(keys[i], Node::map());
  }
}

bool Node::operator==(const Node& other) const {
  if (kind_ != other.kind_) return false;
  switch (kind_) {
    case Kind::null:
      return true;
    case Kind::boolean:
    case Kind::integer:
      return integer_ == other.integer_;
    case Kind::number:
      return number_ == other.number_ || (std::isnan(number_) && std::isnan(other.number_));
    case Kind::string:
      return string_ == other.string_;
    case Kind::list:
      return items_ == other.items_;
    case Kind::map:
      return std::equal(entries_.begin(), entries_.end(), other.entries_.begin(), other.entries_.end(),
                        [](const Entry& a, const Entry& b) {
                          return a.key == b.key && a.key_kind == b.key_kind && a.value == b.value;
                        });
  }
  return false;
}

std::string json_string(const std::string& text) {
  const auto is_plain = [](unsigned char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
  if (std::ranges::all_of(text, is_plain)) return '"' + text + '"';
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// `sorted`: keys in byte order; `typed`: words as they were typed, which is for people.
enum class JsonForm { plain, sorted, typed };

static void append_json(std::string& out, const Node& node, JsonForm form) {
  if (form == JsonForm::typed && node.place.typed) {
    out += *node.place.typed;
    return;
  }
  switch (node.kind()) {
    case Node::Kind::null:
      out += "null";
      return;
    case Node::Kind::boolean:
      out += node.boolean() ? "true" : "false";
      return;
    case Node::Kind::integer:
      out += std::to_string(node.integer());
      return;
    case Node::Kind::number: {
      const std::string text = number_text(node.number());
      out += std::isfinite(node.number()) ? text : json_string(text);
      return;
    }
    case Node::Kind::string:
      out += json_string(node.string());
      return;
    case Node::Kind::list:
      out += '[';
      for (size_t i = 0; i < node.size(); ++i) {
        if (i > 0) out += ", ";
        append_json(out, node.items()[i], form);
      }
      out += ']';
      return;
    case Node::Kind::map:
      break;
  }
  std::vector<size_t> order(node.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto& entries = node.entries();
  if (form == JsonForm::sorted)
    std::ranges::sort(order, {}, [&](size_t i) -> const std::string& { return entries[i].key; });
  out += '{';
  for (size_t i = 0; i < order.size(); ++i) {
    if (i > 0) out += ", ";
    out += json_string(entries[order[i]].key) + ": ";
    append_json(out, entries[order[i]].value, form);
  }
  out += '}';
}

std::string to_json(const Node& node, bool sorted) {
  std::string out;
  append_json(out, node, sorted ? JsonForm::sorted : JsonForm::plain);
  return out;
}

std::string brief(const Node& node) {
  if (node.is(Node::Kind::string) && node.string().size() <= 60)
    return node.string().empty() ? "''" : node.string();
  std::string text;
  append_json(text, node, JsonForm::typed);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

}  // namespace subband::config
