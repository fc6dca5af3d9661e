#include <limits>

#include "core/slot.h"
#include "core/testing/catch.h"
#include "sweeps/pruner.h"
#include "sweeps/testing/small_search.h"

namespace subband::asha_test {

static std::shared_ptr<Pruner> asha() {
  config::Node spec = config::Node::map();
  spec.set("type", config::Node("asha"));
  spec.set("first", config::Node(int64_t{10}));
  spec.set("eta", config::Node(int64_t{3}));
  return make_part<Pruner>(testing::sweeps_registry(), spec);
}

TEST_CASE("rungs of asha are a geometric row below the end", "[pruner]") {
  CHECK(asha()->rung_after(0, 100) == 10);
  CHECK(asha()->rung_after(9, 100) == 10);
  CHECK(asha()->rung_after(10, 100) == 30);
  CHECK(asha()->rung_after(30, 100) == 90);
  CHECK_FALSE(asha()->rung_after(90, 100));
  CHECK_FALSE(asha()->rung_after(0, 10));
}

TEST_CASE("asha lets the best third of a rung go on, the highest rung first", "[pruner]") {
  std::vector<PrunedTrial> trials(6);
  for (size_t i = 0; i < 6; ++i) trials[i] = {.losses = {{10, 6.0 - static_cast<double>(i)}}, .is_paused = true};
  CHECK(asha()->next(std::span(trials).first(2)) == std::nullopt);
  CHECK(asha()->next(std::span(trials).first(3)) == 2u);
  CHECK(asha()->next(trials) == 5u);
  trials[5].is_paused = false;  // it runs on
  CHECK(asha()->next(trials) == 4u);
  trials[4].is_paused = false;
  CHECK(asha()->next(trials) == std::nullopt);
  for (const size_t i : {3u, 4u, 5u}) trials[i] = {.losses = {{10, 1.0}, {30, static_cast<double>(i)}}, .is_paused = true};
  CHECK(asha()->next(trials) == 3u);
}

TEST_CASE("asha promotes no trial of which its rung knows nothing", "[pruner]") {
  const double unknown = std::numeric_limits<double>::infinity();
  std::vector<PrunedTrial> trials(9, {.losses = {{10, unknown}}, .is_paused = true});
  CHECK(asha()->next(trials) == std::nullopt);
  trials[7].losses[10] = 2;
  CHECK(asha()->next(trials) == 7u);
  trials[7].is_paused = false;
  CHECK(asha()->next(trials) == std::nullopt);
}

}  // namespace subband::asha_test
