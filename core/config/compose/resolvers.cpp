// The built-in resolvers: `${oc.env:HOME}`, `${oc.select:a.b,5}`, ...
#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "core/config/interpolation.h"
#include "core/config/override/value_parser.h"
#include "core/config/yaml.h"
#include "core/error.h"
#include "core/text.h"

namespace subband::config {

namespace {

using Kind = Node::Kind;

struct ResolverCall {
  Interpolator& in;
  const std::string& name;
  std::vector<Node> arguments;
  const Location& from;

  void expect(size_t least, size_t most) const {
    if (arguments.size() >= least && arguments.size() <= most) return;
    const std::string wanted =
        least == most ? std::to_string(least) : std::to_string(least) + " or " + std::to_string(most);
    in.fail(from, name + ": expected " + wanted + " arguments, got " + std::to_string(arguments.size()));
  }
  const std::string& text(size_t i) const {
    if (!arguments[i].is(Kind::string)) in.fail(from, name + ": expected text, got " + brief(arguments[i]));
    return arguments[i].string();
  }
};

Location resolve_env(ResolverCall& call) {
  call.expect(1, 2);
  const std::string& variable = call.text(0);
  if (const char* value = std::getenv(variable.c_str()))
    return call.in.keep(Node(value), call.from, true, true);
  if (call.arguments.size() == 1)
    call.in.fail(call.from, "oc.env: the environment has no variable '" + variable + "'");
  const Node& standard = call.arguments[1];
  return call.in.keep(standard.is(Kind::null) ? Node() : Node(text_of(standard)), call.from, true, true);
}

Location resolve_select(ResolverCall& call) {
  call.expect(1, 2);
  if (call.text(0).empty()) call.in.fail(call.from, "oc.select: the path is empty", "cycle");
  const Location found = call.in.select(call.text(0), call.from);
  if (found.node != nullptr) return found;
  return call.in.keep(call.arguments.size() == 2 ? call.arguments[1] : Node(), call.from, true, true);
}

Location resolve_decode(ResolverCall& call) {
  call.expect(1, 1);
  if (call.arguments[0].is(Kind::null)) return call.in.keep(Node(), call.from, true, true);
  return call.in.decode(call.text(0), call.from);
}

Node read_text(const ResolverCall& call, const std::string& text) {
  try {
    return parse_yaml(text, "oc.create");
  } catch (const ConfigError& error) {
    call.in.fail(call.from, error.what());
  }
}

Location resolve_create(ResolverCall& call) {
  call.expect(1, 1);
  Node& value = call.arguments[0];
  if (value.is(Kind::string)) {  // a whole YAML text; one plain word is a map with one empty key
    Node tree = read_text(call, value.string());
    if (tree.is(Kind::null)) tree = Node::map();
    if (tree.is(Kind::string)) {
      Node map = Node::map();
      map.set(tree.string(), Node());
      tree = std::move(map);
    }
    value = std::move(tree);
  }
  if (!value.is(Kind::map) && !value.is(Kind::list) && !value.is(Kind::null))
    call.in.fail(call.from, "oc.create: expected a map, a list or their text, got " + brief(value));
  return call.in.keep(std::move(value), call.from, true, false);
}

Location map_argument(ResolverCall& call) {
  call.expect(1, 1);
  Location found = call.in.select(call.text(0), call.from);
  if (found.node != nullptr) found = call.in.follow(found);
  if (found.node == nullptr || !found.node->is(Kind::map))
    call.in.fail(call.from, call.name + ": '" + call.text(0) + "' is no map");
  return found;
}

Location resolve_keys(ResolverCall& call) {
  const Location map = map_argument(call);
  Node keys = Node::list();
  for (const Entry& entry : map.node->entries()) keys.items().emplace_back(entry.key);
  return call.in.keep(std::move(keys), call.from, true, false);
}

Location resolve_values(ResolverCall& call) {
  const Location map = map_argument(call);
  const Node whole = call.in.resolve(map);
  Node values = Node::list();
  for (const Entry& entry : whole.entries()) values.items().push_back(entry.value);
  return call.in.keep(std::move(values), call.from, true, false);
}

Location resolve_deprecated(ResolverCall& call) {
  call.expect(1, 2);
  if (call.arguments.size() == 2) call.text(1);  // the message: text, or refused
  const Location found = call.in.select(call.text(0), call.from);
  if (found.node == nullptr) call.in.fail(call.from, "oc.deprecated: no value at '" + call.text(0) + "'");
  return found;
}

Location resolve_now(ResolverCall& call) {
  call.expect(1, 1);
  const std::time_t now = call.in.now();
  std::tm local{};
  localtime_r(&now, &local);
  const std::string format = text_of(call.arguments[0]);
  std::string text(1000, '\0');
  text.resize(format.empty() ? 0 : std::strftime(text.data(), text.size(), format.c_str(), &local));
  return call.in.keep(Node(std::move(text)), call.from, true, true);
}

using Resolver = Location (*)(ResolverCall&);
constexpr std::pair<const char*, Resolver> kResolvers[] = {{"oc.env", resolve_env},
                                                           {"oc.select", resolve_select},
                                                           {"oc.decode", resolve_decode},
                                                           {"oc.create", resolve_create},
                                                           {"oc.dict.keys", resolve_keys},
                                                           {"oc.dict.values", resolve_values},
                                                           {"oc.deprecated", resolve_deprecated},
                                                           {"now", resolve_now}};

}  // namespace

static const std::pair<const char*, Resolver>* find_resolver(const std::string& name) {
  const auto* found =
      std::ranges::find_if(kResolvers, [&](const auto& known) { return known.first == name; });
  return found == std::end(kResolvers) ? nullptr : found;
}

bool is_resolver(const std::string& name) { return find_resolver(name) != nullptr; }

Location call_resolver(Interpolator& in, const std::string& name, std::vector<Node> arguments,
                       const Location& from) {
  ResolverCall call{in, name, std::move(arguments), from};
  if (const auto* known = find_resolver(name)) return known->second(call);
  std::vector<std::string> names;
  for (const auto& known : kResolvers) names.emplace_back(known.first);
  in.fail(from, "unknown resolver '" + name + "'" + suggestion(name, names));
}

}  // namespace subband::config
