// Interpolation: `${a.b}`, `${.sibling}`, `${m.${key}}`, `${oc.env:HOME,none}`, text around it, and escapes.
// Values are looked up when everything is composed; a value that is exactly one `${…}` takes the value it names
// with its type.
#pragma once
#include <ctime>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/node.h"
#include "core/config/override/value_parser.h"

namespace subband::config {

/// Whether the text holds a `${`, escaped or not.
bool may_interpolate(std::string_view text);
/// ConfigError (`syntax`) with the place of the first string whose interpolation is malformed.
void check_interpolations(const Node& tree);
/// A tree that resolves to this one: every `${` of its texts is escaped. What was resolved is written out so.
Node literal(Node tree);

/// One step down from the root: a container and the key or index that leads on from it.
struct Step {
  const Node* container = nullptr;
  std::string_view key;
  size_t index = 0;
};

/// A value and the way to it.
struct Location {
  const Node* node = nullptr;
  std::vector<Step> way;
  bool final = false;        ///< computed by a resolver: taken as it is
  bool opaque = false;       ///< and no path leads into it
  std::string path() const;  ///< `a.b.0`
};

/// Looks values up in one tree, which must outlive it and stay unchanged. ConfigError of kind `interpolation`,
/// `cycle` or `missing_value`; the message names the value that asked and the path that it wanted.
class Interpolator {
 public:
  explicit Interpolator(const Node& root) : root_(root) {}

  /// A copy of the whole tree with every interpolation replaced; an unset `???` stays.
  Node resolve();
  /// The value at a location, resolved.
  Node resolve(const Location& location);
  /// What the string at `location` names, when it is exactly one interpolation; `location` itself otherwise.
  Location follow(const Location& location);

  // For resolvers (resolvers.cpp).
  /// The value under `path` (`a.b[0]`, `.c`, `..d`) as seen from `location`; node is nullptr where there is none.
  Location select(const std::string& path, const Location& from);
  Location keep(Node value, const Location& from, bool final,
                bool opaque);  ///< a computed value as a location
  Location decode(const std::string& text, const Location& from);
  std::time_t now();  ///< the time of the first question: all answers of one composition agree
  [[noreturn]] void fail(const Location& from, const std::string& message,
                         const char* kind = "interpolation") const;

 private:
  friend class TextReader;

  /// `..a.b[0]` taken apart.
  struct Path {
    size_t dots = 0;
    std::vector<std::string> keys;
  };
  Path parse(const std::string& path, const Location& from) const;
  Location walk(Location base, const std::vector<std::string>& keys, const Location& from,
                std::string& problem);
  Location reference(const Path& path, const Location& from);
  Location evaluate(const Location& location);  ///< of a string with interpolations; one hop
  Node resolve_here(Location& location);
  void enter(const Location& location);  ///< checks that a string is not being looked up already: a cycle
  void charge(const Node& value, const Location& from);  ///< counts a value that was made

  const Node& root_;
  std::deque<Node> computed_;
  std::vector<const Node*> active_;  ///< strings being looked up
  Depth depth_;
  size_t steps_ = 0;
  size_t bytes_ = 0;  ///< of text made
  std::time_t now_ = 0;
};

/// The resolver of that name called with typed arguments. Known: oc.env, oc.decode, oc.select, oc.create,
/// oc.dict.keys, oc.dict.values, oc.deprecated, now.
Location call_resolver(Interpolator& in, const std::string& name, std::vector<Node> arguments,
                       const Location& from);
bool is_resolver(const std::string& name);

}  // namespace subband::config
