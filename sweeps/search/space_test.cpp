#include "sweeps/search/space.h"

#include "core/config/yaml.h"
#include "core/error.h"
#include "core/testing/catch.h"
#include "sweeps/testing/made_up_plan.h"

namespace subband::space_test {

static SweepSpec spec(const std::string& space, const std::string& more = "") {
  return bind_sweep("s", config::parse_yaml("base: a\nsearch:\n  space: " + space + "\n" + more, "s.yaml"));
}

static std::string complaint(const std::string& space, const std::string& more = "") {
  try {
    spec(space, more);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "none";
}

TEST_CASE("a space has numbers, whole numbers and choices, some of them only for a choice", "[search]") {
  const SweepSpec read = spec(
      "{o.lr: {low: 1e-4, high: 0.1, log: true}, n.layers: {low: 1, high: 4}, n.mixer: [wersa, a, null], "
      "n.mixer.heads: {choice: [2, 4], when: {n.mixer: [wersa, a]}}}");
  const SearchSpace& space = read.search->space;
  REQUIRE(space.axes.size() == 4);
  CHECK(space.axes[0].is_log);
  CHECK(space.axes[1].form == SearchAxis::Form::integer);
  CHECK(space.is_active(3, {0.01, 2.0, 0.0, {}}));
  CHECK_FALSE(space.is_active(3, {0.01, 2.0, 2.0, {}}));
  CHECK(space.overrides({0.01, 2.0, 1.0, 1.0}) ==
        std::vector<std::string>{"o.lr=0.01", "n.layers=2", "n.mixer=a", "n.mixer.heads=4"});
  CHECK(space.overrides({0.01, 2.0, 2.0, {}}).back() == "n.mixer=null");
  CHECK(rounded(space.axes[0], 0.0123456) == 0.01235);
  CHECK(rounded(space.axes[0], 0.0999999) == 0.1);
  CHECK(expand(read).cells.empty());
}

TEST_CASE("what cannot be drawn from is refused at its place", "[search]") {
  CHECK(complaint("{a: {low: 2, high: 1}}") ==
        "s.yaml:3:14: search.space.a = {\"low\": 2, \"high\": 1}: low must be below high");
  CHECK(complaint("{a: {low: 0, high: 1, log: true}}").ends_with("a logarithmic axis begins above 0"));
  CHECK(complaint("{a: {choice: [1], when: {b: 2}}}").ends_with("when: b is no choice above"));
  CHECK(complaint("{b: [1], a: {choice: [1], when: {b: 2}}}").ends_with("when: b is never 2"));
  CHECK(complaint("{seed: [1, 2]}").ends_with("the seeds of a sweep stand in its list `seeds`"));
  CHECK(complaint("{a: [1, 2]}", "grid: {b: [1, 2]}\n")
            .ends_with(": draws its rows itself; it stands alone, without ablate, list, grid and zip"));
  CHECK(complaint("{a: [1, 2]}", "seeds: [1, 2]\n")
            .ends_with(": runs every point with one seed; give one in `seeds`"));
}

}  // namespace subband::space_test
