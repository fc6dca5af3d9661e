#include "sweeps/perform_cells.h"

#include "core/error.h"
#include "experiments/dry_run.h"
#include "experiments/load_recipe.h"
#include "runs/perform.h"

namespace subband {

namespace {

constexpr int64_t kMostTried = 5'000'000;  // parameters; a plan must stay quick

Recipe bind_cell(const CellSource& source, const std::string& recipe,
                 const std::vector<std::string>& overrides) {
  const config::Composition composition =
      config::compose(recipe_request(*source.registry, recipe, overrides, source.folders));
  return bind_recipe(*source.registry, recipe_name(recipe), composition.config);
}

// Passes what a run tells on to the scheduler.
class LinkObserver final : public Observer {
 public:
  explicit LinkObserver(WorkerLink& link) : link_(link) {}
  void stepped(const StepEvent& event) override {
    if (first_tokens_ < 0) first_tokens_ = event.tokens, first_seconds_ = event.seconds;
    const double seconds = event.seconds - first_seconds_;
    const auto tokens = static_cast<double>(event.tokens - first_tokens_);
    link_.progress({.step = event.step,
                    .steps = event.steps,
                    .tokens = event.tokens,
                    .tokens_per_s = seconds > 0 ? tokens / seconds : 0,
                    .loss = event.loss});
  }
  void measured(int64_t, const Metrics&) override { link_.look(); }

 private:
  WorkerLink& link_;
  int64_t first_tokens_ = -1;
  double first_seconds_ = 0;
};

}  // namespace

PreparedRow prepare_row(const CellSource& source, const std::string& recipe,
                        const std::vector<std::string>& overrides) {
  const Recipe bound = bind_cell(source, recipe, overrides);
  RunPlan plan = run_plan(bound);
  return {.id = plan.start.id,
          .parameters = parameter_count(*make_meta_net(bound)),
          .config = std::move(plan.start.config)};
}

std::optional<Problem> check_cell(const CellSource& source, const std::string& recipe,
                                  const std::vector<std::string>& overrides) {
  return check_recipe_apart(bind_cell(source, recipe, overrides), kMostTried);
}

CellOutcome perform_cell(const CellSource& source, const std::string& recipe,
                         const std::vector<std::string>& overrides, const Store& store, WorkerLink& link) {
  const Recipe bound = bind_cell(source, recipe, overrides);
  LinkObserver observer(link);
  try {
    const RunResult result = perform(
        bound, store, {.observer = &observer, .stop = &link.stop(), .command_line = source.command_line});
    const bool is_reused = result.is_reused && result.outcome.done();
    return {is_reused ? "reused" : result.outcome.status, result.outcome.message};
  } catch (const Error& error) {
    if (error.first().kind == "locked") return {"held", error.first().message};
    throw;
  }
}

void record_crash(const Store& store, const std::string& id, int64_t seed, const std::string& message) {
  const auto folder = store.find(id, seed);
  if (!folder) return;
  const RunRecord run = read_record(*folder / kRecordName);
  RecordWriter record(*folder / kRecordName);
  record.end({.status = "failed", .step = run.step, .message = message, .metrics = run.metrics});
}

}  // namespace subband
