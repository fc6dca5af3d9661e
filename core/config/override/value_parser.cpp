#include "core/config/override/value_parser.h"

#include <algorithm>

#include "core/config/limits.h"
#include "core/config/override/value_characters.h"
#include "core/config/scalar.h"
#include "core/error.h"
#include "core/text.h"

namespace subband::config {

void ValueParser::fail(const std::string& message) const {
  throw ConfigError(place_.text(),
                    "character " + std::to_string(std::min(at_, text_.size()) + 1) + ": " + message,
                    "syntax");
}

Node ValueParser::placed(Node node) const {
  node.place = place_;
  return node;
}

std::string ValueParser::shown_here() const {
  const std::string whole = character_at(text_, at_);
  return whole == "'" ? "\"'\"" : "'" + whole + "'";
}

void ValueParser::skip_spaces() {
  while (!at_end() && is_blank(text_[at_])) ++at_;
}

bool ValueParser::take(char c) {
  size_t next = at_;
  while (next < text_.size() && is_blank(text_[next])) ++next;
  if (next >= text_.size() || text_[next] != c) return false;
  at_ = next + 1;
  return true;
}

void ValueParser::expect(char c, const char* what) {
  if (take(c)) return;
  skip_spaces();
  const std::string found = at_end() ? "the end" : shown_here();
  fail(std::string("expected '") + c + "' " + what + ", got " + found +
       "; quote text that holds such characters");
}

Value ValueParser::whole() {
  if (text_.find('(', at_) != std::string_view::npos) {
    ValueParser reader(text_, at_, place_);
    reader.evaluates_ = false;
    reader.elements();
  }
  return elements();
}

Value ValueParser::elements() {
  std::vector<Value> found;
  do found.push_back(element());
  while (take(','));
  if (!at_end()) {
    if (is_blank(here()) && trim(text_.substr(at_)).empty())
      fail("a space may not follow a quote or a bracket here");
    const bool braces = here() == '}' && text_.find("${") != std::string_view::npos;
    fail("unexpected " + shown_here() +
         (braces ? "; an interpolation ends at the first '}': quote one that holds braces"
                 : "; quote or escape it"));
  }
  if (found.size() == 1) return std::move(found.front());
  Value value;
  value.sweep = Sweep{.kind = Sweep::Kind::choice, .simple = true};
  for (Value& each : found) {
    if (each.edit) fail("a change of a list cannot be swept");
    value.sweep->nested = value.sweep->nested || each.sweep.has_value();
    value.sweep->choices.push_back(std::move(each.node));
  }
  return value;
}

Value ValueParser::single() {
  const bool spaced = at_ < text_.size() && (is_blank(text_[at_]) || is_blank(text_.back()));
  const size_t begin = at_;
  Value value = element();
  if (!at_end()) fail("unexpected " + shown_here());
  if (spaced && value.closed) fail("a space may not stand around a quote or a bracket here");
  if (spaced) value.node = placed(Node(std::string(text_.substr(begin))));
  return value;
}

std::vector<Node> ValueParser::arguments() {
  std::vector<Node> nodes;
  skip_spaces();
  if (here() == '}') return nodes;
  for (;;) {
    skip_spaces();
    const bool missing = here() == ',' || here() == '}';
    nodes.push_back(missing ? placed(Node("")) : element().node);
    if (!take(',')) break;
  }
  skip_spaces();
  if (here() != '}')
    fail(at_end() ? "'${' has no end: expected '}'" : "unexpected " + shown_here() + "; quote or escape it");
  return nodes;
}

Value ValueParser::element() {
  const Level level(&own_), outer(outer_);
  if (level.beyond(kMostLevels) || outer.beyond(kMostDepth)) fail("more than 200 levels of nesting");
  if (++values_ > kMostValues) fail("more than 100,000 values");
  skip_spaces();
  Value value;
  if (here() == '[')
    value = list();
  else if (here() == '{')
    value = map();
  else if (here() == '\'' || here() == '"')
    value = quoted();
  else if (std::string name = function_name(); !name.empty())
    value = function(std::move(name));
  else
    value = primitive();
  if (value.sweep) values_ += value.sweep->choices.size();
  return value;
}

void ValueParser::refuse_nested_sweep(const Value& value, const char* container) const {
  if (value.plain()) return;
  const char* what = value.sweep ? "a sweep inside a " : "a change of a list inside a ";
  throw ConfigError(place_.text(),
                    std::string(what) + container + ": not supported; sweep over whole " + container +
                        "s: a=" + (container[0] == 'l' ? "[1,2],[1,3]" : "{x:1},{x:2}"),
                    "bad_value");
}

Value ValueParser::list() {
  Value value;
  value.closed = true;
  value.node = placed(Node::list());
  ++at_;
  if (take(']')) return value;
  do {
    skip_spaces();
    const bool missing =
        interpolation_ && (here() == ',' || here() == ']');  // a resolver's list is an argument list
    Value item = missing ? Value{.node = placed(Node(""))} : element();
    refuse_nested_sweep(item, "list");
    value.quoted_items = value.quoted_items || item.quoted;
    value.node.items().push_back(std::move(item.node));
  } while (take(','));
  expect(']', "after an item of a list");
  return value;
}

Entry ValueParser::map_key() {
  skip_spaces();
  std::string key;
  size_t kept = 0;
  bool escaped = false;
  while (!at_end() && here() != ':') {
    if (here() == '\\' && at_ + 1 < text_.size() && can_be_escaped(text_[at_ + 1])) {
      key += text_[at_ + 1];
      kept = key.size();
      escaped = true;
      at_ += 2;
      continue;
    }
    if (!is_unquoted(here()) || at_interpolation()) break;
    key += here();
    if (!is_blank(here())) kept = key.size();
    ++at_;
  }
  if (here() != ':') fail("expected 'key: value'; keys of a map stand without quotes");
  key.resize(kept);
  if (key.empty()) fail("a key of a map is missing");
  ++at_;
  Entry entry;
  entry.key_place = place_;
  const Node typed = escaped ? Node(key) : plain_scalar(key, place_);
  entry.key_kind = typed.kind();
  entry.key = typed.is(Node::Kind::string) ? typed.string() : text_of(typed);
  return entry;
}

Value ValueParser::map() {
  Value value;
  value.closed = true;
  value.node = placed(Node::map());
  ++at_;
  if (take('}')) return value;
  do {
    Entry entry = map_key();
    Value written = element();
    refuse_nested_sweep(written, "map");
    entry.value = std::move(written.node);
    auto& entries = value.node.entries();
    const auto same = std::find_if(entries.begin(), entries.end(), [&](const Entry& present) {
      return present.key == entry.key && present.key_kind == entry.key_kind;
    });
    if (entries.size() >= kMostKeys) fail("more than 2,000 keys in one map");
    if (same != entries.end())
      same->value = std::move(entry.value);
    else
      entries.push_back(std::move(entry));
  } while (take(','));
  expect('}', "after a value of a map");
  return value;
}

// Where the name ends that begins here (ID of OverrideLexer.g4); here, where none does.
size_t ValueParser::name_end() const {
  size_t end = at_;
  if (!is_word_start(here())) return end;
  while (end < text_.size() &&
         (is_word_start(text_[end]) || text_[end] == '-' || (text_[end] >= '0' && text_[end] <= '9')))
    ++end;
  return end;
}

// The name of a call that begins here, or nothing; `name (` may have a space.
std::string ValueParser::function_name() {
  if (interpolation_ || !is_word_start(here())) return "";
  const size_t end = name_end();
  size_t open = end;
  while (open < text_.size() && is_blank(text_[open])) ++open;
  if (open >= text_.size() || text_[open] != '(') return "";
  std::string name(text_.substr(at_, end - at_));
  if (!plain_scalar(name, place_).is(Node::Kind::string)) return "";  // null( is no call
  at_ = open + 1;
  return name;
}

Value ValueParser::function(std::string name) {
  std::vector<Argument> arguments;
  if (!take(')')) {
    do {
      skip_spaces();
      Argument argument;
      const size_t end = name_end();
      size_t equals = end;
      while (equals < text_.size() && is_blank(text_[equals])) ++equals;
      if (end > at_ && equals < text_.size() && text_[equals] == '=') {
        argument.name = text_.substr(at_, end - at_);
        at_ = equals + 1;
      } else if (!arguments.empty() && !arguments.back().name.empty()) {
        fail("a positional argument after a named one");
      }
      argument.value = element();
      arguments.push_back(std::move(argument));
    } while (take(','));
    expect(')', "after an argument of a function");
  }
  Value value;
  if (evaluates_) value = call_function(name, std::move(arguments), place_);
  value.closed = true;
  return value;
}

}  // namespace subband::config
