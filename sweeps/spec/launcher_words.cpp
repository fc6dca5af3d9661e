#include "sweeps/spec/launcher_words.h"

#include "core/config/override.h"
#include "core/error.h"

namespace subband {

using config::Node;

namespace {

std::string type_of(const Node& launcher) {
  const Node* type = launcher.find("type");
  return type != nullptr && type->is(Node::Kind::string) ? type->string() : "local";
}

Node of_type(const std::string& type, const config::Place& place) {
  Node launcher = Node::map();
  launcher.set("type", Node(type)).place = place;
  launcher.place = place;
  return launcher;
}

}  // namespace

Node launcher_node(const Node& spec, const LauncherWords& words) {
  const config::Place place{.source = std::make_shared<const std::string>("command line")};
  Node launcher = spec;
  if (spec.is(Node::Kind::string)) launcher = of_type(spec.string(), spec.place);
  if (!launcher.is(Node::Kind::map)) launcher = of_type("local", place);
  if (launcher.find("type") == nullptr) launcher.set("type", Node("local"));
  const auto choose = [&](const std::string& type) {
    if (type != type_of(launcher)) launcher = of_type(type, place);
  };
  if (words.type) choose(*words.type);
  for (const config::Override& word : config::parse_overrides(words.overrides)) {
    const bool is_plain = word.has_value && !word.sweep && !word.edit && !word.package;
    if (!is_plain)
      throw ConfigError(word.place.text(), word.key() + ": takes one value, as in launcher.account=lab",
                        "bad_value");
    Node value = word.value;
    if (word.target == "launcher" && value.is(Node::Kind::string))
      choose(value.string());
    else if (word.target != "launcher")
      launcher.set_at(word.target.substr(std::string("launcher.").size()), std::move(value)).place =
          word.place;
    else
      throw ConfigError(word.place.text(), "launcher: expected a launcher's name", "bad_value");
  }
  if (words.jobs) launcher.set("jobs", Node(*words.jobs)).place = place;
  return launcher;
}

}  // namespace subband
