#include "core/config/binder.h"

#include <algorithm>
#include <cmath>

#include "core/slot.h"
#include "core/text.h"

namespace subband {

using config::Node;

namespace {

std::string bound_text(double value) {
  const bool whole = std::isfinite(value) && value == std::floor(value) && std::abs(value) < 1e15;
  return whole ? std::to_string(static_cast<int64_t>(value)) : number_text(value);
}

std::string range_rule(const Range& range) {
  const bool low = std::isfinite(range.low), high = std::isfinite(range.high);
  const std::string floor = (range.above ? "above " : "at least ") + bound_text(range.low);
  if (low && high && !range.above)
    return "must be " + bound_text(range.low) + " to " + bound_text(range.high);
  if (low && high) return "must be " + floor + " and at most " + bound_text(range.high);
  if (low) return "must be " + floor;
  return "must be at most " + bound_text(range.high);
}

bool inside(const Range& range, double value) {
  return (range.above ? value > range.low : value >= range.low) && value <= range.high;
}

Node to_node(bool value) { return Node(value); }
Node to_node(int64_t value) { return Node(value); }
Node to_node(double value) { return Node(value); }
Node to_node(const std::string& value) { return Node(value); }
template <class T>
Node to_node(const std::optional<T>& value) {
  return value ? to_node(*value) : Node();
}
template <class T>
Node to_node(const std::vector<T>& values) {
  std::vector<Node> items;
  for (const T& value : values) items.push_back(to_node(value));
  return Node::list(std::move(items));
}

// Each reader returns the broken rule, or nothing.
using Rule = std::optional<std::string>;

Rule read_value(const Node& node, bool& value, const Range&) {
  if (!node.is(Node::Kind::boolean)) return "expected true or false";
  value = node.boolean();
  return {};
}

Rule read_value(const Node& node, int64_t& value, const Range& range) {
  if (node.is(Node::Kind::number) && node.number() == std::floor(node.number()) &&
      std::abs(node.number()) < 1e15) {
    return read_value(Node(static_cast<int64_t>(node.number())), value, range);  // 1e6 is a count too
  }
  if (!node.is(Node::Kind::integer)) return "expected a whole number";
  if (!inside(range, node.number())) return range_rule(range);
  value = node.integer();
  return {};
}

Rule read_value(const Node& node, double& value, const Range& range) {
  if (!node.is(Node::Kind::number) && !node.is(Node::Kind::integer)) return "expected a number";
  if (!inside(range, node.number())) return range_rule(range);  // NaN is inside nothing
  value = node.number();
  return {};
}

Rule read_value(const Node& node, std::string& value, const Range&) {
  if (!node.is(Node::Kind::string)) return "expected text; quote it";
  value = node.string();
  return {};
}

template <class T>
Rule read_value(const Node& node, std::optional<T>& value, const Range& range) {
  if (node.is(Node::Kind::null)) return value.reset(), Rule();
  T inner{};
  Rule broken = read_value(node, inner, range);
  if (!broken) value = inner;
  return broken;
}

template <class T>
Rule read_value(const Node& node, std::vector<T>& values, const Range& range) {
  if (!node.is(Node::Kind::list)) return "expected a list";
  std::vector<T> read;
  for (size_t i = 0; i < node.size(); ++i) {
    T value{};
    if (Rule broken = read_value(node.items()[i], value, range))
      return "item " + std::to_string(i) + ": " + *broken;
    read.push_back(value);
  }
  values = std::move(read);
  return {};
}

}  // namespace

void BindSession::finish() const {
  if (!problems.empty()) throw ConfigError(problems);
}

Binder::Binder(BindSession& session, const Node& node, Node& resolved, std::string path)
    : session_(session), node_(node), resolved_(resolved), path_(std::move(path)) {
  constexpr size_t kUsual = 8;  // fields of a struct
  if (!resolved_.is(Node::Kind::map)) resolved_ = Node::map();
  resolved_.entries().reserve(kUsual);
}

std::string Binder::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

const Node* Binder::take(std::string_view key) {
  known_.emplace_back(key);
  return node_.find(key);
}

bool Binder::given(std::string_view key) const { return node_.find(key) != nullptr; }

void Binder::complain(std::string_view key, const Node* value, std::string_view rule, std::string_view kind) {
  std::string message = path_of(key);
  if (value) message += " = " + config::brief(*value);
  message += ": " + std::string(rule);
  const std::string place = value ? value->place.text() : node_.place.text();
  session_.problems.push_back({place, std::move(message), std::string(kind)});
  if (value) session_.refused.insert(path_of(key));
}

Node& Binder::resolve(std::string_view key, Node value) {
  if (!value.place.source) {
    static const auto kDefault = std::make_shared<const std::string>("default");
    value.place.source = kDefault;
  }
  return resolved_.set(key, std::move(value));
}

Binder Binder::nested(std::string_view key, const Node& node) {
  Node& inner = resolve(key, Node::map());
  inner.place = node.place;
  return Binder(session_, node, inner, path_of(key));
}

template <class T, class Describe, class Read>
void Binder::read(std::string_view key, T& value, const Describe& describe, const Read& read_node) {
  record([&] {
    FieldInfo info = describe();
    info.path = path_of(key);
    info.standard = to_node(value);
    return info;
  });
  const Node* written = take(key);
  if (written == nullptr) {
    resolve(key, to_node(value));
    return;
  }
  Rule broken;
  std::string_view kind = "bad_value";
  if (written->is_missing())
    broken = "must be given", kind = "missing_value";
  else
    broken = read_node(*written, value);
  if (broken) complain(key, written, *broken, kind);
  Node final_value = to_node(value);
  final_value.place = written->place;
  resolve(key, std::move(final_value));
}

// The ten plain fields differ only in their type.
#define SUBBAND_PLAIN_FIELD(TYPE, NAME, OPTIONAL)                                                           \
  Binder::Bound Binder::field(std::string_view key, TYPE& value, std::string_view help) {                   \
    const auto describe = [&] {                                                                             \
      return FieldInfo{.type = NAME, .optional = OPTIONAL, .help = std::string(help)};                      \
    };                                                                                                      \
    read(key, value, describe, [](const Node& node, TYPE& out) { return read_value(node, out, Range{}); }); \
    return {*this, key};                                                                                    \
  }
#define SUBBAND_RANGED_FIELD(TYPE, NAME, OPTIONAL)                                                         \
  Binder::Bound Binder::field(std::string_view key, TYPE& value, Range range, std::string_view help) {     \
    const auto describe = [&] {                                                                            \
      return FieldInfo{.type = NAME, .range = range, .optional = OPTIONAL, .help = std::string(help)};     \
    };                                                                                                     \
    read(key, value, describe, [&](const Node& node, TYPE& out) { return read_value(node, out, range); }); \
    return {*this, key};                                                                                   \
  }
SUBBAND_PLAIN_FIELD(bool, "boolean", false)
SUBBAND_PLAIN_FIELD(std::string, "string", false)
SUBBAND_PLAIN_FIELD(std::optional<std::string>, "string", true)
SUBBAND_PLAIN_FIELD(std::vector<std::string>, "list of strings", false)
SUBBAND_RANGED_FIELD(int64_t, "integer", false)
SUBBAND_RANGED_FIELD(double, "number", false)
SUBBAND_RANGED_FIELD(std::optional<int64_t>, "integer", true)
SUBBAND_RANGED_FIELD(std::optional<double>, "number", true)
SUBBAND_RANGED_FIELD(std::vector<int64_t>, "list of integers", false)
SUBBAND_RANGED_FIELD(std::vector<double>, "list of numbers", false)
#undef SUBBAND_PLAIN_FIELD
#undef SUBBAND_RANGED_FIELD

Binder::Bound Binder::choice(std::string_view key, std::string& value,
                             const std::vector<std::string>& choices, std::string_view help) {
  const auto describe = [&] {
    return FieldInfo{.type = "string", .choices = choices, .help = std::string(help)};
  };
  read(key, value, describe, [&](const Node& node, std::string& out) -> Rule {
    const std::string word = node.is(Node::Kind::string) ? node.string() : config::to_json(node);
    if (std::ranges::find(choices, word) == choices.end())
      return "unknown choice" + suggestion(word, choices);
    out = word;
    return {};
  });
  return {*this, key};
}

Binder::Bound Binder::tree(std::string_view key, Node& value, std::string_view help) {
  record([&] {
    return FieldInfo{.path = path_of(key), .type = "tree", .standard = value, .help = std::string(help)};
  });
  if (const Node* written = take(key)) value = *written;
  resolve(key, value);
  return {*this, key};
}

std::optional<Binder> Binder::open(std::string_view key, std::string_view help) {
  record([&] {
    return FieldInfo{.path = path_of(key), .type = "map", .standard = Node::map(), .help = std::string(help)};
  });
  const Node* written = take(key);
  static const Node kEmpty = Node::map();
  if (written && !written->is(Node::Kind::map)) {
    complain(key, written, "expected a map");
    written = nullptr;
  }
  return nested(key, written ? *written : kEmpty);
}

void Binder::check(bool ok, std::string_view key, std::string_view rule) {
  if (ok) return;
  const Node* written = node_.find(key);
  // A value that could not be read breaks every rule.
  if (written != nullptr && session_.refused.contains(path_of(key))) return;
  complain(key, written ? written : resolved_.find(key), rule);
  if (!written) session_.problems.back().place = node_.place.text();
}

void Binder::cosmetic(std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) session_.cosmetic_paths.push_back(path_of(key));
}

void Binder::came_later(std::string_view key, Node came_as) {
  session_.later_fields.push_back({path_of(key), std::move(came_as)});
}

// Names near to a key that is unknown here, or the places where it stands: `; did you mean optimizer.lr? known: ...`
static std::string likely_keys(const std::vector<FieldInfo>& fields, const std::string& key,
                               const std::vector<std::string>& known) {
  constexpr size_t kFew = 3;
  const std::string here = suggestion(key, known);
  std::vector<std::string> paths;
  for (const FieldInfo& field : fields)
    if (field.path == key || field.path.ends_with("." + key)) paths.push_back(field.path);
  if (paths.empty() || paths.size() > kFew || nearest(key, known)) return here;
  return "; did you mean " + join(paths, " or ") + "?" + here.substr(std::min<size_t>(here.size(), 1));
}

// A word that changed the type of a part kept the part's other fields, which the new part may not have.
static std::string swap_hint(const Node& part, const config::Entry& unknown, const std::string& path) {
  const Node* type = part.find("type");
  const bool is_swapped = type != nullptr && type->is(Node::Kind::string) && type->place.source &&
                          type->place.source->starts_with("override ") &&
                          type->place.text() != unknown.key_place.text();
  return is_swapped ? "; " + path + "=" + type->string() + " takes that part with its defaults" : "";
}

void Binder::finish_keys() {
  if (!node_.is(Node::Kind::map)) return;
  for (const auto& entry : node_.entries()) {
    if (std::ranges::find(known_, entry.key) != known_.end()) continue;
    session_.problems.push_back({entry.key_place.text(),
                                 path_of(entry.key) + ": unknown key" +
                                     likely_keys(session_.fields, entry.key, known_) +
                                     swap_hint(node_, entry, path_),
                                 "unknown_key"});
  }
}

std::string slot_type(Binder& binder, std::string_view key, const Node& value) {
  if (value.is(Node::Kind::string)) {
    if (value.string().empty())
      binder.complain(key, &value, "names no part; to take the default remove the key");
    return value.string();
  }
  if (value.is(Node::Kind::map)) {
    const Node* type = value.find("type");
    if (type == nullptr) return "";
    if (type->is(Node::Kind::string)) return type->string();
    binder.complain(std::string(key) + ".type", type, "expected the name of a part");
    return "";
  }
  binder.complain(key, &value, "expected a part: a name, or a map with 'type'");
  return "";
}

}  // namespace subband
