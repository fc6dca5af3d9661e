#include "sweeps/spec/change_reader.h"

#include "core/config/override.h"
#include "core/text.h"

namespace subband {

using config::Node;

namespace {

// `2 %`, or a fraction.
std::optional<double> fraction_of(const Node& node) {
  if (node.is(Node::Kind::number) || node.is(Node::Kind::integer)) return node.number();
  if (!node.is(Node::Kind::string) || !node.string().ends_with('%')) return std::nullopt;
  const auto percent =
      parse_number(trim(std::string_view(node.string()).substr(0, node.string().size() - 1)));
  return percent ? std::optional(*percent / 100) : std::nullopt;
}

std::string standard_label(const SweepChange& change) {
  std::vector<std::string> words;
  if (!change.recipe.empty()) words.push_back("recipe=" + change.recipe);
  words.insert(words.end(), change.overrides.begin(), change.overrides.end());
  return join(words, ", ");
}

SweepFactor axis_of(const std::string& kind, const config::Entry& entry) {
  SweepFactor axis{.kind = kind};
  for (const Node& value : entry.value.items()) {
    SweepChange change{.place = value.place};
    if (entry.key == "recipe" && value.is(Node::Kind::string))
      change.recipe = value.string();
    else
      change.overrides = {entry.key + "=" + config::override_text(value)};
    change.label = entry.key + "=" + config::override_text(value, /*typed=*/true);
    axis.changes.push_back(std::move(change));
  }
  return axis;
}

}  // namespace

std::string SweepReader::override_of(const std::string& key, const Node& node) {
  if (!node.is(Node::Kind::string)) {
    binder_.complain(key, &node, "expected an override such as a.b=c, +a=b or ~a");
    return {};
  }
  try {
    if (config::parse_override(node.string()).key() != "seed") return node.string();
    binder_.complain(key, &node, kSeedRule);
  } catch (const ConfigError& error) {
    binder_.complain(key, &node, error.first().message, error.first().kind);
  }
  return {};
}

std::vector<std::string> SweepReader::overrides_of(const std::string& key, const Node& node) {
  std::vector<std::string> overrides;
  if (!node.is(Node::Kind::list)) return {override_of(key, node)};
  if (node.size() == 0) binder_.complain(key, &node, "changes nothing; name an override");
  for (const Node& item : node.items()) overrides.push_back(override_of(key, item));
  return overrides;
}

SweepChange SweepReader::change_of(const std::string& key, const std::string& label, const Node& node) {
  SweepChange change{.label = label, .place = node.place};
  if (!node.is(Node::Kind::map)) {
    change.overrides = overrides_of(key, node);
  } else {
    for (const config::Entry& entry : node.entries()) read_key(key, entry, change);
  }
  const bool is_empty = node.is(Node::Kind::map) && node.size() == 0;
  if (is_empty) binder_.complain(key, &node, "changes nothing; give `recipe`, `set`, or both");
  if (change.label.empty()) change.label = standard_label(change);
  return change;
}

std::vector<SweepFactor> SweepReader::axes_of(const std::string& kind, const Node& tree) {
  std::vector<SweepFactor> axes;
  if (!tree.is(Node::Kind::map)) {
    binder_.complain(kind, &tree, "expected a map from key to list of values");
    return axes;
  }
  for (const config::Entry& entry : tree.entries()) {
    if (!entry.value.is(Node::Kind::list) || entry.value.size() == 0) {
      binder_.complain(kind + "." + entry.key, &entry.value, "expected a list of values");
    } else if (entry.key == "seed") {
      binder_.complain(kind + "." + entry.key, &entry.value, kSeedRule);
    } else {
      axes.push_back(axis_of(kind, entry));
    }
  }
  return axes;
}

std::vector<SweepChange> SweepReader::changes_of(const std::string& key, const Node& tree) {
  std::vector<SweepChange> changes;
  if (tree.is(Node::Kind::list)) {
    for (size_t i = 0; i < tree.size(); ++i)
      changes.push_back(change_of(key + "." + std::to_string(i), "", tree.items()[i]));
  } else if (tree.is(Node::Kind::map)) {
    for (const config::Entry& entry : tree.entries()) {
      if (entry.key == "base")
        binder_.complain(key + ".base", &entry.value, "is the name of the unchanged row");
      changes.push_back(change_of(key + "." + entry.label(), entry.label(), entry.value));
    }
  } else {
    binder_.complain(key, &tree, "expected a map from row to change");
  }
  return changes;
}

void SweepReader::read_key(const std::string& key, const config::Entry& entry, SweepChange& change) {
  static const std::vector<std::string> kKeys = {"match", "recipe", "set"};
  const std::string path = key + "." + entry.key;
  if (entry.key == "recipe" && entry.value.is(Node::Kind::string))
    change.recipe = entry.value.string();
  else if (entry.key == "recipe")
    binder_.complain(path, &entry.value, "expected the name of a recipe");
  else if (entry.key == "set")
    change.overrides = overrides_of(path, entry.value);
  else if (entry.key == "match")
    change.match = match_of(path, entry.value);
  else
    binder_.session().problems.push_back(
        {entry.key_place.text(), path + ": unknown key" + suggestion(entry.key, kKeys), "unknown_key"});
}

std::optional<SweepMatch> SweepReader::match_of(const std::string& key, const Node& node) {
  const auto refuse = [&](const Node& value, const std::string& rule) {
    binder_.complain(key, &value, rule);
    return std::nullopt;
  };
  SweepMatch match{.place = node.place};
  constexpr const char* kForm = "expected {model.parameters: base, by: net.width, within: 2 %}";
  if (!node.is(Node::Kind::map)) return refuse(node, kForm);
  for (const config::Entry& entry : node.entries()) {
    const Node& value = entry.value;
    const bool is_base = value.is(Node::Kind::string) && value.string() == "base";
    const bool is_number = value.is(Node::Kind::number) || value.is(Node::Kind::integer);
    if (entry.key == "by" && value.is(Node::Kind::string)) {
      match.by = value.string();
    } else if (entry.key == "within") {
      const auto fraction = fraction_of(value);
      if (!fraction || !(*fraction >= 0 && *fraction < 1))
        return refuse(value, "within: expected 2 % or 0.02");
      match.within = *fraction;
    } else if ((entry.key == "model.parameters" || entry.key == "model.flops") && (is_base || is_number)) {
      match.metric = entry.key;
      if (is_number) match.target = value.number();
    } else {
      return refuse(node, kForm);
    }
  }
  if (match.metric.empty() || match.by.empty()) return refuse(node, kForm);
  return match;
}

}  // namespace subband
