#include "experiments/generation/strategy_words.h"

#include <CLI/CLI.hpp>

#include "core/config/override.h"
#include "core/error.h"
#include "core/slot.h"

namespace subband {

using config::Node;

static constexpr const char* kStrategyPlace = "command line";

void StrategyWords::add_to(CLI::App& app) {
  auto* plain = app.add_flag("--standard", standard, "draw from the net's own distribution");
  app.add_flag("--strategies", all,
               "adaptive temperature 0.3 to 0.9, top_p 0.85, repetition penalty 1.2, clean spacing; metrics are shown")
      ->excludes(plain);
  app.add_option("--temperature", temperature, "0: always the likeliest token; default: 1");
  app.add_option("--top-p", top_p, "share of the probability that is drawn from; default: 0.95");
  app.add_option("--top-k", top_k, "likeliest tokens that are drawn from; default: all");
  app.add_option("--min-p", min_p, "share of the likeliest token's probability that another needs; default: 0");
  app.add_option("--repetition-penalty", repetition_penalty, "of tokens that stand in the text; default: 1.1");
  app.add_option("--with", changes,
                 "a strategy, or a field of one: lookahead, lookahead.depth=3; ~nucleus: without it; may be repeated. "
                 "`subband list sampling` has them")
      ->allow_extra_args(false);
}

bool StrategyWords::empty() const {
  return !standard && !all && !temperature && !top_p && !min_p && !repetition_penalty && !top_k && changes.empty();
}

namespace {

void change(Node& spec, const std::string& text, int number) {
  const bool is_name = text.find('=') == std::string::npos && !text.starts_with('~');
  if (is_name) {
    if (spec.at(text) == nullptr) spec.set_at(text, Node::map());
    return;
  }
  const config::Override word = config::parse_override(text, number);
  using Action = config::Override::Action;
  const bool removes = word.action == Action::remove;
  if (word.sweep || word.edit || word.package || word.target.empty() || (removes && word.has_value))
    throw ConfigError(kStrategyPlace, "--with " + text + ": expected a strategy, STRATEGY.FIELD=VALUE or ~STRATEGY", "syntax");
  if (!removes) spec.set_at(word.target, word.value);
  else if (!spec.erase(word.target))
    throw ConfigError(kStrategyPlace, "--with " + text + ": is not there to be removed", "unknown_key");
}

void set_places(Node& node, const config::Place& place) {
  node.place = place;
  if (!node.is(Node::Kind::map)) return;
  for (config::Entry& entry : node.entries()) entry.key_place = place, set_places(entry.value, place);
}

}  // namespace

Node StrategyWords::spec() const {
  Node spec = Node::map();
  if (!standard) {
    spec.set_at("repetition_penalty.penalty", Node(all ? 1.2 : 1.1));
    spec.set_at("nucleus.top_p", Node(all ? 0.85 : 0.95));
  }
  if (all) {
    spec.set_at("adaptive_temperature.lowest", Node(0.3));
    spec.set_at("adaptive_temperature.highest", Node(0.9));
    spec.set_at("clean_spacing", Node::map());
  }
  if (temperature) spec.erase("adaptive_temperature"), spec.set_at("temperature.value", Node(*temperature));
  if (top_p) spec.set_at("nucleus.top_p", Node(*top_p));
  if (top_k) spec.set_at("top_k.k", Node(*top_k));
  if (min_p) spec.set_at("min_p.share", Node(*min_p));
  if (repetition_penalty) spec.set_at("repetition_penalty.penalty", Node(*repetition_penalty));
  int number = 0;
  for (const std::string& text : changes) change(spec, text, ++number);
  return spec;
}

Strategies bound_strategies(const Registry& registry, const Node& spec) {
  Node root = Node::map(), resolved = Node::map();
  root.set("strategies", spec);
  set_places(root, {.source = std::make_shared<const std::string>(kStrategyPlace)});
  BindSession session{.registry = &registry};
  Binder binder(session, root, resolved);
  Slots<Sampling> slots;
  binder.parts("strategies", slots, SamplingContext{}, "");
  session.finish();
  SamplingParts parts;
  for (const auto& [label, slot] : slots.all()) parts.push_back(slot.make({}));
  if (const std::string wrong = Strategies::complaint(parts); !wrong.empty())
    throw ConfigError(kStrategyPlace, "strategies: " + wrong, "bad_value");
  return Strategies(std::move(parts));
}

}  // namespace subband
