#include <limits>

#include "core/slot.h"
#include "core/testing/catch.h"
#include "sweeps/pruner.h"
#include "sweeps/testing/small_search.h"

namespace subband::median_test {

TEST_CASE("the median pruner lets a trial go on that is no worse than the median of the others", "[pruner]") {
  config::Node spec = config::Node::map();
  spec.set("type", config::Node("median"));
  spec.set("every", config::Node(int64_t{10}));
  spec.set("startup", config::Node(int64_t{3}));
  const auto median = make_part<Pruner>(testing::sweeps_registry(), spec);
  CHECK(median->rung_after(0, 25) == 10);
  CHECK(median->rung_after(10, 25) == 20);
  CHECK_FALSE(median->rung_after(20, 25));
  std::vector<PrunedTrial> trials;
  for (const double loss : {1.0, 2.0, 3.0}) trials.push_back({.losses = {{10, loss}}});
  const auto goes_on = [&](std::map<int64_t, double> losses) {
    std::vector<PrunedTrial> all = trials;
    all.push_back({.losses = std::move(losses), .is_paused = true});
    return median->next(all) == all.size() - 1;
  };
  CHECK(goes_on({{10, 2.0}}));
  CHECK_FALSE(goes_on({{10, 2.1}}));
  CHECK(goes_on({{10, 2.0}, {20, 5.0}}));  // nothing to compare with at 20
  trials.pop_back();
  CHECK(goes_on({{10, 9.0}}));  // too few others
}

TEST_CASE("the median pruner lets no trial go on of which nothing is known", "[pruner]") {
  config::Node spec = config::Node::map();
  spec.set("type", config::Node("median"));
  spec.set("startup", config::Node(int64_t{2}));
  const auto median = make_part<Pruner>(testing::sweeps_registry(), spec);
  const double unknown = std::numeric_limits<double>::infinity();
  const std::vector<PrunedTrial> trials(4, {.losses = {{100, unknown}}, .is_paused = true});
  CHECK(median->next(trials) == std::nullopt);
  CHECK(median->next(std::span(trials).first(2)) == 0u);  // too few to judge by
}

}  // namespace subband::median_test
