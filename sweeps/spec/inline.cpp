#include "sweeps/spec/inline.h"

#include "core/config/override.h"
#include "core/error.h"

namespace subband {

using config::Node;
using config::Override;

SweepSpec spec_of_recipe(const std::string& name, const std::string& recipe,
                         std::span<const std::string> overrides) {
  Node spec = Node::map();
  spec.place.source = std::make_shared<const std::string>("command line");
  spec.set("base", Node(recipe)).place = spec.place;
  for (const Override& word : config::parse_overrides(overrides)) {
    const bool is_plain = word.has_value && !word.sweep && !word.edit && !word.package;
    if (!is_plain)
      throw ConfigError(word.place.text(),
                        word.key() + ": a sweep without a spec takes one value for this, as in seeds=[1,2]",
                        "bad_value");
    spec.set_at(word.target, word.value);
  }
  return bind_sweep(name, spec);
}

std::vector<std::string> take_factors(SweepSpec& spec, std::span<const std::string> overrides,
                                      const GroupOptions& options) {
  std::vector<std::string> every_cell;
  for (size_t i = 0; i < overrides.size(); ++i) {
    const Override word = config::parse_override(overrides[i], static_cast<int>(i) + 1);
    if (!word.sweep) {
      every_cell.push_back(overrides[i]);
      continue;
    }
    SweepFactor factor{.kind = "grid"};
    for (const std::string& text : config::expand(word, options(word.target)))
      factor.changes.push_back({.label = text, .overrides = {text}, .place = word.place});
    spec.factors.push_back(std::move(factor));
  }
  return every_cell;
}

}  // namespace subband
