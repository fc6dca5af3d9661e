#include "core/testing/catch.h"
#include "sweeps/testing/small_search.h"

namespace subband::grid_sampler_test {

TEST_CASE("a grid has every combination once, idle axes once, and then ends", "[sampler]") {
  const SearchSpace space = testing::space_of(
      "{c: [a, b], h: {choice: [2, 4], when: {c: b}}, n: {low: 1, high: 2}, lr: {low: 0.01, high: 1.0, log: true, "
      "points: 3}}");
  const auto trials = testing::drawn_blindly("grid", space, 1000, 0);
  REQUIRE(trials.size() == 18);
  CHECK(space.overrides(trials[0].point) == std::vector<std::string>{"c=a", "n=1", "lr=0.01"});
  CHECK(space.overrides(trials[1].point) == std::vector<std::string>{"c=a", "n=1", "lr=0.1"});
  CHECK(space.overrides(trials[5].point) == std::vector<std::string>{"c=a", "n=2", "lr=1.0"});
  CHECK(space.overrides(trials[6].point) == std::vector<std::string>{"c=b", "h=2", "n=1", "lr=0.01"});
  CHECK(space.overrides(trials[17].point) == std::vector<std::string>{"c=b", "h=4", "n=2", "lr=1.0"});
}

}  // namespace subband::grid_sampler_test
