#include "core/config/interpolation.h"

#include <algorithm>

#include "core/config/limits.h"
#include "core/config/override/value_parser.h"
#include "core/config/scalar.h"
#include "core/config/text_reader.h"
#include "core/error.h"
#include "core/text.h"

namespace subband::config {

namespace {

const Entry* text_key(const Node& map, std::string_view key) {
  for (const Entry& entry : map.entries())
    if (entry.key == key && entry.key_kind == Node::Kind::string) return &entry;
  return nullptr;
}

// Marks one string as being looked up, until it goes.
class Active {
 public:
  Active(std::vector<const Node*>& active, const Node* node) : active_(active) { active_.push_back(node); }
  ~Active() { active_.pop_back(); }
  Active(const Active&) = delete;
  Active& operator=(const Active&) = delete;

 private:
  std::vector<const Node*>& active_;
};

std::vector<std::string> keys_of(const Node& node) {
  std::vector<std::string> keys;
  if (node.is(Node::Kind::map))
    for (const Entry& entry : node.entries()) keys.push_back(entry.key);
  return keys;
}

}  // namespace

bool may_interpolate(std::string_view text) { return text.find("${") != std::string_view::npos; }

void check_interpolations(const Node& tree) {
  if (tree.is(Node::Kind::list)) {
    for (const Node& item : tree.items()) check_interpolations(item);
  } else if (tree.is(Node::Kind::map)) {
    for (const Entry& entry : tree.entries()) check_interpolations(entry.value);
  } else if (tree.is(Node::Kind::string) && may_interpolate(tree.string())) {
    const Location nowhere;
    TextReader(tree.string(), tree.place, nullptr, nowhere).whole();
  }
}

// Backslashes before a `${` count twice there, and one more makes it text.
static std::string literal_text(std::string_view text) {
  std::string out;
  size_t backslashes = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("${")) out.append(backslashes + 1, '\\');
    backslashes = text[i] == '\\' ? backslashes + 1 : 0;
    out += text[i];
  }
  return out;
}

Node literal(Node tree) {
  if (tree.is(Node::Kind::list))
    for (Node& item : tree.items()) item = literal(std::move(item));
  if (tree.is(Node::Kind::map))
    for (Entry& entry : tree.entries()) entry.value = literal(std::move(entry.value));
  if (!tree.is(Node::Kind::string) || !may_interpolate(tree.string())) return tree;
  Node text(literal_text(tree.string()));
  text.place = tree.place;
  return text;
}

std::string Location::path() const {
  std::string path;
  for (const Step& step : way) {
    if (!path.empty()) path += '.';
    path += step.key.data() != nullptr ? std::string(step.key) : std::to_string(step.index);
  }
  return path;
}

void Interpolator::fail(const Location& from, const std::string& message, const char* kind) const {
  const std::string path = from.path();
  std::string what = path;
  if (from.node != nullptr) what += (path.empty() ? "" : " = ") + brief(*from.node);
  throw ConfigError(from.node != nullptr ? from.node->place.text() : "", what + ": " + message, kind);
}

void Interpolator::enter(const Location& location) {
  if (++steps_ > kMostSteps) fail(location, "the interpolations expand to more than 200,000 values");
  if (depth_.levels >= kMostDepth)
    fail(location, "interpolations lead on and nest more than 500 levels deep");
  if (std::find(active_.begin(), active_.end(), location.node) == active_.end()) return;
  std::vector<std::string> chain;
  for (auto at = std::find(active_.begin(), active_.end(), location.node); at != active_.end(); ++at)
    chain.push_back(brief(**at));
  fail(location, "a cycle of interpolations: " + join(chain, " -> ") + " -> " + brief(*location.node),
       "cycle");
}

Location Interpolator::evaluate(const Location& location) {
  return TextReader(location.node->string(), location.node->place, this, location).whole();
}

static bool is_open_text(const Location& location) {
  return !location.final && location.node->is(Node::Kind::string) && may_interpolate(location.node->string());
}

Location Interpolator::follow(const Location& location) {
  if (!is_open_text(location)) return location;
  enter(location);
  const Active active(active_, location.node);
  const Level level(&depth_);
  return follow(evaluate(location));
}

Node Interpolator::resolve() {
  Location root{&root_, {}, false, false};
  return resolve_here(root);
}

Node Interpolator::resolve(const Location& location) {
  Location copy = location;
  return resolve_here(copy);
}

void Interpolator::charge(const Node& value, const Location& from) {
  if (++steps_ > kMostSteps) fail(from, "the interpolations expand to more than 200,000 values");
  if (value.is(Node::Kind::string)) bytes_ += value.string().size();
  if (bytes_ > kMostText) fail(from, "the interpolations make more than 16 MiB of text");
  if (value.is(Node::Kind::list))
    for (const Node& item : value.items()) charge(item, from);
  if (value.is(Node::Kind::map))
    for (const Entry& entry : value.entries()) charge(entry.value, from);
}

Node Interpolator::resolve_here(Location& location) {
  const Node& node = *location.node;
  if (location.final) return node;
  if (is_open_text(location)) {
    enter(location);
    const Active active(active_, location.node);
    const Level level(&depth_);
    Node value = resolve(evaluate(location));
    value.place = node.place;
    return value;
  }
  if (!node.is(Node::Kind::list) && !node.is(Node::Kind::map)) {
    charge(node, location);
    return node;
  }
  if (++steps_ > kMostSteps) fail(location, "the interpolations expand to more than 200,000 values");
  const Level level(&depth_);
  if (level.beyond(kMostDepth)) fail(location, "interpolations lead on and nest more than 500 levels deep");
  if (node.is(Node::Kind::list)) {
    Node out = Node::list();
    out.place = node.place;
    out.items().reserve(node.size());
    for (size_t i = 0; i < node.size(); ++i) {
      location.way.push_back({&node, {}, i});
      location.node = &node.items()[i];
      out.items().push_back(resolve_here(location));
      location.way.pop_back();
    }
    location.node = &node;
    return out;
  }
  Node out = Node::map();
  out.place = node.place;
  out.entries().reserve(node.size());
  for (const Entry& entry : node.entries()) {
    location.way.push_back({&node, entry.key, 0});
    location.node = &entry.value;
    out.entries().push_back({entry.key, entry.key_kind, entry.key_place, resolve_here(location)});
    location.way.pop_back();
  }
  location.node = &node;
  return out;
}

// Steps from `base` along `keys`; where that fails, node is nullptr and `problem` says why, or an error is thrown.
Location Interpolator::walk(Location base, const std::vector<std::string>& keys, const Location& from,
                            std::string& problem) {
  std::string so_far;
  for (const std::string& key : keys) {
    base = follow(base);
    const Node& node = *base.node;
    const auto absent = [&](std::string why) {
      problem = std::move(why);
      return Location{};
    };
    if (node.is_missing() && !base.final)
      fail(from, "'" + so_far + "' is ???: it must be given a value", "missing_value");
    const auto name = [&] { return so_far.empty() ? "the root" : "'" + so_far + "'"; };
    if (base.opaque)
      return absent(name() + " is computed by a resolver; wrap it in oc.create to look inside");
    if (node.is(Node::Kind::map)) {
      const Entry* entry = text_key(node, key);
      if (entry == nullptr)
        return absent("no key '" + key + "' in " + name() + suggestion(key, keys_of(node)));
      base.way.push_back({&node, entry->key, 0});
      base.node = &entry->value;
    } else if (node.is(Node::Kind::list)) {
      const auto index = parse_integer(key);
      if (!index) fail(from, name() + " is a list; '" + key + "' is no index");
      if (*index < 0 || static_cast<size_t>(*index) >= node.size())
        return absent("no item " + key + " in " + name() + ", which has " + std::to_string(node.size()));
      base.way.push_back({&node, {}, static_cast<size_t>(*index)});
      base.node = &node.items()[static_cast<size_t>(*index)];
    } else {
      return absent(name() + " is " + brief(node) + ", which holds no '" + key + "'");
    }
    so_far += (so_far.empty() ? "" : ".") + key;
  }
  return base;
}

// The container that `dots` dots mean: the root for none, the container of `from` for one.
static bool climb(Location& base, size_t dots, const Location& from, const Node& root) {
  base = Location{&root, {}, false, false};
  if (dots == 0) return true;
  if (dots > from.way.size()) return false;
  const size_t kept = from.way.size() - dots;
  base.node = from.way[kept].container;
  base.way.assign(from.way.begin(), from.way.begin() + static_cast<std::ptrdiff_t>(kept));
  return true;
}

Location Interpolator::reference(const Path& path, const Location& from) {
  Location base;
  if (!climb(base, path.dots, from, root_))
    fail(from, std::to_string(path.dots) + " dots lead above the root");
  std::string problem;
  Location target = walk(base, path.keys, from, problem);
  if (target.node == nullptr) fail(from, problem);
  if (std::ranges::any_of(from.way, [&](const Step& step) { return step.container == target.node; }))
    fail(from, "a cycle of interpolations: '" + target.path() + "' holds this value", "cycle");
  if (!target.final && target.node->is_missing())
    fail(from, "'" + target.path() + "' is ???: it must be given a value", "missing_value");
  return target;
}

Interpolator::Path Interpolator::parse(const std::string& path, const Location& from) const {
  Path out;
  while (out.dots < path.size() && path[out.dots] == '.') ++out.dots;
  for (size_t i = out.dots; i < path.size();) {
    const bool bracket = path[i] == '[';
    if (bracket) ++i;
    if (out.keys.size() >= kMostDepth) fail(from, "a path of more than 500 keys");
    const size_t end = bracket ? path.find(']', i) : path.find_first_of(".[", i);
    if (bracket && end == std::string::npos) fail(from, "'" + path + "' is no path");
    out.keys.push_back(path.substr(i, end - i));
    if (end == std::string::npos) break;
    i = bracket || path[end] == '.' ? end + 1 : end;
    if (!bracket && i == path.size()) out.keys.emplace_back();  // `a.`: the key '' of a
    if (bracket && i < path.size() && path[i] == '.') ++i;
  }
  return out;
}

Location Interpolator::select(const std::string& path, const Location& from) {
  const Path parsed = parse(path, from);
  Location base;
  if (!climb(base, parsed.dots, from, root_))
    fail(from, std::to_string(parsed.dots) + " dots lead above the root");
  std::string problem;
  try {
    Location target = walk(base, parsed.keys, from, problem);
    return target.node != nullptr && target.node->is_missing() && !target.final ? Location{} : target;
  } catch (const ConfigError& error) {
    if (error.first().kind == "missing_value") return {};
    throw;
  }
}

Location Interpolator::keep(Node value, const Location& from, bool final, bool opaque) {
  charge(value, from);
  computed_.push_back(std::move(value));
  return {&computed_.back(), from.way, final, opaque};
}

std::time_t Interpolator::now() {
  if (now_ == 0) now_ = std::time(nullptr);
  return now_;
}

Location Interpolator::decode(const std::string& text, const Location& from) {
  if (text.empty()) fail(from, "oc.decode: nothing to read", "syntax");
  TextReader reader(text, from.node->place, this, from);
  return keep(reader.element(), from, true, true);
}

}  // namespace subband::config
