// Searches over a function that costs nothing, for tests of samplers.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/config/yaml.h"
#include "core/slot.h"
#include "sweeps/launcher.h"
#include "sweeps/sampler.h"
#include "sweeps/spec/spec.h"

namespace subband::testing {

inline Registry sweeps_registry() {
  Registry registry;
  register_sweeps_parts(registry);
  return registry;
}

inline std::shared_ptr<Sampler> sampler_named(const std::string& name) {
  return make_part<Sampler>(sweeps_registry(), config::Node(name));
}

inline SearchSpace space_of(const std::string& text) {
  return bind_sweep("s", config::parse_yaml("base: a\nsearch:\n  space: " + text + "\n", "s.yaml")).search->space;
}

/// The trials of a search of a function, less is better.
inline std::vector<SearchTrial> searched(const Sampler& sampler, const SearchSpace& space, size_t trials, uint64_t seed,
                                         const std::function<double(const SearchPoint&)>& function) {
  std::vector<SearchTrial> all;
  while (all.size() < trials) {
    Draws draws(seed, "sampler", all.size());
    const auto point = sampler.draw(space, all, draws);
    if (!point) break;
    all.push_back({.point = *point, .state = SearchTrial::State::done, .loss = function(*point)});
  }
  return all;
}

/// The same where every point is as good as the others.
inline std::vector<SearchTrial> drawn_blindly(const std::string& sampler, const SearchSpace& space, size_t trials,
                                              uint64_t seed) {
  return searched(*sampler_named(sampler), space, trials, seed, [](const SearchPoint&) { return 0.0; });
}

}  // namespace subband::testing
