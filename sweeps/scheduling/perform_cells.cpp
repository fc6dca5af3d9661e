#include "sweeps/scheduling/perform_cells.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "experiments/load_recipe.h"
#include "experiments/training/dry_run.h"
#include "experiments/training/recipe_remarks.h"
#include "runs/identity.h"
#include "runs/perform.h"

namespace subband {

namespace {

constexpr int64_t kMostTried = 5'000'000;  // parameters; a plan must stay quick

Recipe bind_cell(const CellSource& source, config::SearchPath& search, const std::string& recipe,
                 const std::vector<std::string>& overrides, config::Warnings* warnings = nullptr) {
  const config::Composition composition =
      config::compose(recipe_request(*source.registry, recipe, overrides, source.folders), search);
  if (warnings != nullptr) *warnings = composition.warnings;
  return bind_recipe(*source.registry, recipe_name(recipe), composition.config);
}

config::SearchPath search_path(const CellSource& source) {
  return config::search_path_of(recipe_request(*source.registry, "", {}, source.folders));
}

std::string text_under(const config::Node& map, const char* key) {
  const config::Node* value = map.find(key);
  return value != nullptr ? config::to_json(*value) : "";
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

// The board's time is that of the whole cell, the table's that of its steps: both are said.
std::string message_of(const Outcome& outcome) {
  const auto seconds = outcome.metrics.find("train.seconds");
  const bool is_timed = outcome.done() && seconds != outcome.metrics.end();
  return is_timed ? "steps " + duration_text(seconds->second) : outcome.message;
}

}  // namespace

RowBinder::RowBinder(const CellSource& source) : source_(source), search_(search_path(source)) {}

Recipe RowBinder::compose(const std::string& recipe, const std::vector<std::string>& overrides) {
  config::Warnings lines;
  Recipe bound = bind_cell(source_, search_, recipe, overrides, &lines);
  warn(lines);
  return bound;
}

void RowBinder::warn(const config::Warnings& lines) {
  for (const std::string& line : lines)
    if (std::ranges::find(warnings_, line) == warnings_.end()) warnings_.push_back(line);
}

std::string RowBinder::identity_of(const Recipe& recipe) {
  const auto [manifest, is_new] = manifests_.try_emplace(text_under(recipe.resolved, "data"));
  if (is_new) manifest->second = data_manifest(recipe);
  return run_identity(recipe.identity, recipe.parts, manifest->second);
}

std::string RowBinder::identify(const std::string& recipe, const std::vector<std::string>& overrides) {
  return identity_of(compose(recipe, overrides));
}

PreparedRow RowBinder::prepare(const std::string& recipe, const std::vector<std::string>& overrides) {
  const Recipe bound = compose(recipe, overrides);
  if (prompts_.insert(text_under(bound.resolved, "tokenizer") + text_under(bound.resolved, "samples")).second)
    check_prompt(bound);
  warn(recipe_remarks(bound));
  const TaskShape& shape = bound.shape;
  const std::string asked = fmt::format("{} {} {} {} {}", text_under(bound.resolved, "net"), bound.vocabulary,
                                        shape.classes, shape.channels, shape.length);
  const auto [size, is_new] = sizes_.try_emplace(asked);
  if (is_new) {
    const auto net = make_meta_net(bound);
    size->second = {parameter_count(*net), net->flops(shape.length)};
  }
  const TrainerConfig& trainer = bound.trainer;
  const int64_t a_step = trainer.batch * trainer.accumulate * trainer.length;
  PreparedRow row{.parameters = size->second.first,
                  .tokens = trainer.steps.value_or(0) * a_step,
                  .flops = size->second.second,
                  .resolved = bound.resolved};
  try {
    row.id = identity_of(bound);
  } catch (const ConfigError&) {
    throw;
  } catch (const Error& error) {  // the plan shows cells and parameters all the same
    row.missing = error.what();
  }
  return row;
}

std::optional<Problem> RowBinder::check(const std::string& recipe,
                                        const std::vector<std::string>& overrides) {
  const Recipe bound = compose(recipe, overrides);
  config::Node step = bound.resolved;
  for (const char* later : {"optimizer", "schedule", "seed"}) step.erase(later);
  if (!checked_.insert(config::to_json(step)).second) return std::nullopt;
  return check_recipe_apart(bound, kMostTried);
}

CellOutcome perform_cell(const CellSource& source, const std::string& recipe,
                         const std::vector<std::string>& overrides, const Store& store, WorkerLink& link) {
  config::SearchPath search = search_path(source);
  const Recipe bound = bind_cell(source, search, recipe, overrides);
  LinkObserver observer(link);
  try {
    const RunResult result = perform(
        bound, store, {.observer = &observer, .stop = &link.stop(), .command_line = source.command_line});
    const bool is_reused = result.is_reused && result.outcome.done();
    return {is_reused ? "reused" : result.outcome.status, message_of(result.outcome)};
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
