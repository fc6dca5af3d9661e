#include "core/config/text_reader.h"

#include <utility>

#include "core/config/limits.h"
#include "core/config/override/value_parser.h"
#include "core/error.h"

namespace subband::config {

namespace {

bool is_key_character(char c) {
  return c != '\0' && std::string_view("\\{}()[]:. \t\n'\"").find(c) == std::string_view::npos;
}

// A resolver's name, or one part of it.
bool is_identifier(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (text.empty() || !is_letter(text.front())) return false;
  for (const char c : text)
    if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '-') return false;
  return true;
}

}  // namespace

void TextReader::fail(const std::string& message) const {
  const std::string path = from_.path();
  throw ConfigError(
      place_.text(),
      (path.empty() ? "" : path + ": ") + message + " in '" + std::string(text_.substr(0, 80)) + "'",
      "syntax");
}

void TextReader::skip_spaces() {
  while (here() == ' ' || here() == '\t') ++at_;
}

Location TextReader::known(Node value, bool opaque) {
  static const Node kUnknown("?");
  return in_ != nullptr ? in_->keep(std::move(value), from_, true, opaque)
                        : Location{&kUnknown, {}, true, true};
}

Location TextReader::whole() {
  std::string out;
  bool literal = false;
  Location alone;
  int pieces = 0;
  const auto flush = [&] {  // the piece before turns out to be part of a text
    if (alone.node != nullptr && in_ != nullptr) out += text_of(in_->resolve(alone));
    alone = {};
  };
  while (at_ < text_.size()) {
    size_t run = 0;
    while (here() == '\\') ++at_, ++run;
    const bool opens = at_interpolation();
    if (run > 0) flush(), out.append(opens ? run / 2 : run, '\\'), literal = literal || !opens || run / 2 > 0;
    if (opens && run % 2 == 0) {
      flush();
      alone = interpolation();
      ++pieces;
    } else if (opens) {
      flush(), out += "${", at_ += 2, literal = true;
    } else if (at_ < text_.size()) {
      flush(), out += text_[at_++], literal = true;
    }
  }
  if (pieces == 1 && !literal) return alone;
  flush();
  return known(Node(std::move(out)), true);
}

Node TextReader::element() {
  ValueParser parser(
      text_, 0, place_, [this](std::string_view, size_t begin) { return nested(begin); }, depth_);
  return parser.single().node;
}

std::pair<Node, size_t> TextReader::nested(size_t begin) {
  at_ = begin;
  const bool looks_inside = looks_inside_;
  const Location location = interpolation();
  if (in_ == nullptr) return {Node("?"), at_};
  if (looks_inside) return {in_->resolve(location), at_};
  const Node& node = *in_->follow(location).node;
  return {node.is(Node::Kind::list) || node.is(Node::Kind::map) ? Node("?") : node, at_};
}

// One key of a path: a run of ordinary characters, or what a nested interpolation gives, which may be a path itself.
std::string TextReader::key(bool& computed) {
  if (at_interpolation()) {
    computed = true;
    const Location inner = interpolation();
    if (in_ == nullptr) return "?";
    const Node value = in_->resolve(inner);
    if (!value.is(Node::Kind::string) && !value.is(Node::Kind::integer))
      in_->fail(from_, "a nested interpolation must give text or an integer, not " + brief(value));
    return text_of(value);
  }
  const size_t begin = at_;
  while (is_key_character(here()) && !at_interpolation()) ++at_;
  if (at_ == begin)
    fail(at_ >= text_.size() ? "'${' has no end: expected '}'"
                             : "a name is missing or holds a character that it cannot");
  return std::string(text_.substr(begin, at_ - begin));
}

// `..a.b[0]`, and whether it can be the name of a resolver.
std::string TextReader::path(bool& is_name) {
  std::string path;
  while (here() == '.') path += text_[at_++];
  is_name = path.empty();
  size_t keys = 0;
  for (bool first = true; first || here() == '.' || here() == '['; first = false) {
    if (++keys > kMostDepth) fail("a path of more than 500 keys");
    const bool bracket = here() == '[';
    if (bracket || !first) path += text_[at_++];
    bool computed = false;
    const std::string each = key(computed);
    path += each;
    is_name = is_name && !bracket && (computed || is_identifier(each));
    if (!bracket) continue;
    if (here() != ']') fail("expected ']'");
    path += text_[at_++];
  }
  return path;
}

Location TextReader::interpolation() {
  const Level level(&depth_);
  constexpr const char* kTooDeep = "interpolations lead on and nest more than 500 levels deep";
  if (level.beyond(kMostDepth)) in_ != nullptr ? in_->fail(from_, kTooDeep) : fail(kTooDeep);
  at_ += 2;
  skip_spaces();
  bool is_name = false;
  const std::string name = path(is_name);
  skip_spaces();
  if (here() == ':' && is_name) {
    ++at_;
    return call(name);
  }
  if (here() != '}')
    fail(at_ >= text_.size() ? "'${' has no end: expected '}'" : std::string("unexpected '") + here() + "'");
  ++at_;
  if (in_ == nullptr) return known(Node("?"), true);
  return in_->reference(in_->parse(name, from_), from_);
}

Location TextReader::call(const std::string& name) {
  ValueParser parser(
      text_, at_, place_, [this](std::string_view, size_t begin) { return nested(begin); }, depth_);
  const bool outer = std::exchange(looks_inside_, is_resolver(name));
  std::vector<Node> arguments = parser.arguments();
  looks_inside_ = outer;
  at_ = parser.offset() + 1;
  if (in_ == nullptr) return known(Node("?"), true);
  return call_resolver(*in_, name, std::move(arguments), from_);
}

}  // namespace subband::config
