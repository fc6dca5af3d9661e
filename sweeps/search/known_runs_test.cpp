#include "sweeps/search/known_runs.h"

#include "core/slot.h"
#include "core/testing/catch.h"
#include "sweeps/search/claims_queue.h"
#include "sweeps/search/search_queue.h"
#include "sweeps/search/tune_queue.h"
#include "sweeps/testing/made_up_plan.h"
#include "sweeps/testing/small_search.h"

namespace subband::known_runs_test {

using testing::MadeUpPlan;

static constexpr const char* kClaimed =
    "base: a\nseeds: [1]\nablate: {x: x=1}\nspend: 20\nclaims: [{row: x, is: worse, by: 1, error: 0.05}]\n";
static constexpr const char* kTuned = "base: a\nseeds: [1, 2]\nlist: [n=1, n=2]\ntune: {x: [1, 2]}\n";
static constexpr const char* kSearched = "base: a\nseeds: [1]\nsearch: {trials: 20, sampler: random, space: {x: {low: 1.0, high: 100.0}}}\n";

static std::unique_ptr<CellQueue> adaptive_queue(const MadeUpPlan& made_up) {
  const SweepSpec& spec = made_up.plan.spec;
  if (spec.tune) return std::make_unique<TuneQueue>(made_up.plan, made_up.add);
  if (!spec.search) return std::make_unique<ClaimsQueue>(made_up.plan, made_up.add);
  const Registry registry = testing::sweeps_registry();
  return std::make_unique<SearchQueue>(made_up.plan, made_up.add, make_part<Sampler>(registry, spec.search->sampler),
                                       make_part<Pruner>(registry, spec.search->pruner), DrawLedger("", ""));
}

TEST_CASE("however a turn ends, no adaptive queue hands the same run out again by itself", "[known_runs]") {
  for (const char* spec : {kClaimed, kTuned, kSearched})
    for (const Status status : {Status::done, Status::stopped, Status::nan, Status::diverged, Status::out_of_memory,
                                Status::time_out, Status::failed, Status::interrupted, Status::fresh}) {
      CAPTURE(spec, word_of(status));
      MadeUpPlan made_up(spec);
      const auto queue = adaptive_queue(made_up);
      const auto turns = testing::run_queue(
          *queue, made_up,
          [&](const SweepRow& row, int64_t, const CellTurn&) {
            const bool is_base = row.overrides.empty();
            return CellResult{.outcome = {.status = is_base ? Status::done : status}, .metrics = {{"valid.bpb", 1}}};
          },
          2, 200);
      CHECK(turns.size() == made_up.plan.cells.size());
    }
}

TEST_CASE("after a turn that was cut, as a cancelled job is, nothing further is drawn or spent", "[known_runs]") {
  const auto turns_until = [](const char* spec, size_t cut) {
    MadeUpPlan made_up(spec);
    const auto queue = adaptive_queue(made_up);
    size_t number = 0;
    return testing::run_queue(*queue, made_up, [&](const SweepRow&, int64_t, const CellTurn&) {
             return CellResult{.outcome = {.status = number++ == cut ? Status::stopped : Status::done},
                               .metrics = {{"valid.bpb", 1}}};
           }).size();
  };
  CHECK(turns_until(kSearched, 4) == 5);
  CHECK(turns_until(kSearched, 100) == 20);
  CHECK(turns_until(kClaimed, 0) == 2);
  CHECK(turns_until(kTuned, 0) == 4 + 2);  // the other row's trials are all there
}

TEST_CASE("rows and seeds that cannot be bound are no cells, and whoever needs them goes without", "[known_runs]") {
  for (const char* spec : {kClaimed, kTuned, kSearched}) {
    CAPTURE(spec);
    MadeUpPlan made_up(spec);
    const size_t planned = made_up.plan.cells.size();
    made_up.is_refused = [](const SweepRow&) { return true; };
    const auto queue = adaptive_queue(made_up);
    const auto turns = testing::run_queue(*queue, made_up, testing::done_with([](const SweepRow&, int64_t) { return 1.0; }),
                                          2, 200);
    CHECK(turns.size() == planned);
  }
}

}  // namespace subband::known_runs_test
