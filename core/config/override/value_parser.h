// The value half of the override grammar, shared with the arguments of resolvers: primitives, quotes, lists, maps and,
// in overrides, functions and sweeps. Internal to core/config.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/config/node.h"
#include "core/config/override.h"

namespace subband::config {

/// What an element turned out to be.
struct Value {
  Node node;
  bool quoted = false;        ///< a quoted string
  bool quoted_items = false;  ///< a list that holds quoted strings
  bool closed = false;        ///< ended by a quote or a bracket: no space may follow at the very end
  std::optional<Sweep> sweep;
  std::optional<ListEdit> edit;
  bool plain() const { return !sweep && !edit; }
};

/// One argument of a function: `stop=4`, or `4` with an empty name.
struct Argument {
  std::string name;
  Value value;
};

/// `int(3.9)`, `sort([2,1])`, `range(3)`, ... ConfigError (`bad_value`) names the function.
Value call_function(const std::string& name, std::vector<Argument> arguments, const Place& place);

/// The whole UTF-8 character at an offset, for messages; nothing at the end.
std::string character_at(std::string_view text, size_t offset);

/// How a value looks inside text: `true`, `null`, `1.0`, `[a, b]`, `{k: v}`.
std::string text_of(const Node& node);

/// How deep the calls are that read a text, and refuse to go deeper than the stack allows.
struct Depth {
  size_t levels = 0;
};
class Level {
 public:
  explicit Level(Depth* depth) : depth_(depth) {
    if (depth_ != nullptr) ++depth_->levels;
  }
  ~Level() {
    if (depth_ != nullptr) --depth_->levels;
  }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;
  bool beyond(size_t most) const { return depth_ != nullptr && depth_->levels > most; }

 private:
  Depth* depth_;
};

class ValueParser {
 public:
  /// Reads the `${…}` that begins at an offset and returns what it means and the offset behind it.
  using Interpolation = std::function<std::pair<Node, size_t>(std::string_view text, size_t begin)>;

  /// Override mode: functions and sweeps are known, interpolations stay text and end at the first `}`.
  ValueParser(std::string_view text, size_t begin, const Place& place)
      : text_(text), at_(begin), place_(place) {}
  /// Resolver mode: no functions; `interpolation` reads what is nested.
  ValueParser(std::string_view text, size_t begin, const Place& place, Interpolation interpolation,
              Depth& depth)
      : text_(text), at_(begin), place_(place), interpolation_(std::move(interpolation)), outer_(&depth) {}

  /// Everything up to the end: one element, or a simple sweep of several. What is malformed is complained of before
  /// what a function refuses.
  Value whole();
  /// One element up to the end, whose outer spaces count (they make a primitive text).
  Value single();
  /// The arguments of a resolver, up to its closing brace, which is not consumed; missing ones are empty strings.
  std::vector<Node> arguments();
  size_t offset() const { return at_; }

 private:
  Value elements();
  Value element();
  Value list();
  Value map();
  Value quoted();
  Value primitive();
  Value function(std::string name);
  Entry map_key();
  size_t name_end() const;
  std::string function_name();
  void append_interpolation(std::string& out, std::optional<Node>& alone);
  bool quoted_backslashes(std::string& out, char quote);
  void refuse_nested_sweep(const Value& value, const char* container) const;

  bool at_end() const { return at_ >= text_.size(); }
  char here() const { return at_end() ? '\0' : text_[at_]; }
  bool at_interpolation() const { return text_.substr(at_).starts_with("${"); }
  std::string shown_here() const;  ///< for messages: the character that stands here, in quotes
  void skip_spaces();
  bool take(char c);  ///< skips spaces, then `c` if it is there
  void expect(char c, const char* what);
  Node placed(Node node) const;
  [[noreturn]] void fail(const std::string& message) const;

  std::string_view text_;
  size_t at_;
  bool evaluates_ = true;  ///< functions are called, not only read
  const Place& place_;
  Interpolation interpolation_;
  Depth own_;               ///< levels of this text
  Depth* outer_ = nullptr;  ///< and of everything around it
  size_t values_ = 0;       ///< made so far
};

}  // namespace subband::config
