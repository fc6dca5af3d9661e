#include "core/slot.h"
#include "core/testing/catch.h"
#include "sweeps/pruner.h"
#include "sweeps/testing/small_search.h"

namespace subband::none_test {

TEST_CASE("a search without a pruner pauses nothing", "[pruner]") {
  const auto none = make_part<Pruner>(testing::sweeps_registry(), config::Node("none"));
  const std::vector<PrunedTrial> paused(3, {.losses = {{10, 1.0}}, .is_paused = true});
  CHECK_FALSE(none->rung_after(0, 1000));
  CHECK_FALSE(none->next(paused));
}

}  // namespace subband::none_test
