#include "sweeps/scheduling/perform_cells.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/program/signals.h"
#include "core/text.h"
#include "experiments/data/files/pinned.h"
#include "experiments/load_recipe.h"
#include "experiments/price.h"
#include "experiments/training/dry_run.h"
#include "experiments/training/experiment.h"
#include "experiments/training/part_code.h"
#include "experiments/training/recipe_remarks.h"
#include "runs/disk_use.h"
#include "runs/identity.h"
#include "runs/perform.h"

namespace subband {

namespace {

constexpr int64_t kMostTried = 5'000'000;  // parameters; a plan must stay quick

config::SearchPath search_path(const CellSource& source) {
  return config::search_path_of(recipe_request(*source.registry, "", {}, source.folders));
}

std::string text_under(const config::Node& map, const char* key) {
  const config::Node* value = map.find(key);
  return value != nullptr ? config::to_json(*value) : "";
}

// Names of files as they were found: whoever reads the task stands in another folder than the recipe.
void take_found_names(config::Node& composed, const config::Node& resolved) {
  using Kind = config::Node::Kind;
  if (composed.is(Kind::map)) {
    for (config::Entry& entry : composed.entries())
      if (const config::Node* found = resolved.find(entry.key)) take_found_names(entry.value, *found);
  } else if (composed.is(Kind::list) && resolved.is(Kind::list) && composed.size() == resolved.size()) {
    for (size_t i = 0; i < composed.size(); ++i) take_found_names(composed.items()[i], resolved.items()[i]);
  } else if (composed.is(Kind::string) && resolved.is(Kind::string) &&
             composed.string() != resolved.string()) {
    config::Node found = resolved;
    found.place = composed.place;
    composed = std::move(found);
  }
}

// Whether a text somewhere in the tree asks for the seed.
bool asks_for_seed(const config::Node& node) {
  if (node.is(config::Node::Kind::string))
    return node.string().find("${") != std::string::npos && node.string().find("seed") != std::string::npos;
  if (node.is(config::Node::Kind::list)) return std::ranges::any_of(node.items(), asks_for_seed);
  if (!node.is(config::Node::Kind::map)) return false;
  return std::ranges::any_of(node.entries(),
                             [](const config::Entry& entry) { return asks_for_seed(entry.value); });
}

// What was planned is trained, or nothing.
void expect_planned(const RunPlan& plan, const CellTask& task) {
  if (plan.start.id == task.id) return;
  DataManifest now;
  for (const auto& [file, checksum] : plan.start.data.items()) now.emplace(file, checksum.get<std::string>());
  std::vector<Problem> changes = manifest_changes("data", *task.data, now, "when the sweep was planned");
  if (changes.empty())
    changes.push_back({plan.start.recipe,
                       "identity = " + plan.start.id.substr(0, 16) + ": was planned as " +
                           task.id.substr(0, 16) + "; run the sweep again",
                       "changed"});
  throw Error(std::move(changes));
}

// Asks a run to pause after a step, or when whoever is outside asks.
class PauseObserver final : public Observer {
 public:
  explicit PauseObserver(const CellSurroundings& surroundings)
      : until_(surroundings.until), outside_(surroundings.stop) {}
  /// What the run looks at.
  const std::atomic<bool>* stop() const { return until_ ? &stop_ : outside_; }
  bool has_paused() const { return has_paused_; }
  void started(int64_t, int64_t first_step) override { look(first_step); }
  void stepped(const StepEvent& event) override {
    if (event.step < event.steps) look(event.step);  // after the last step there is nothing to come back for
  }

 private:
  void look(int64_t step) {
    if (!until_) return;
    has_paused_ = step >= *until_;
    if (has_paused_ || (outside_ != nullptr && *outside_)) stop_ = true;
  }
  std::optional<int64_t> until_;
  const std::atomic<bool>* outside_;
  std::atomic<bool> stop_{false};
  bool has_paused_ = false;
};

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

void RowBinder::warn(const config::Warnings& lines) {
  for (const std::string& line : lines)
    if (std::ranges::find(warnings_, line) == warnings_.end()) warnings_.push_back(line);
}

config::Composition RowBinder::compose(const std::string& recipe, const std::vector<std::string>& overrides) {
  config::Composition composition =
      config::compose(recipe_request(*source_.registry, recipe, overrides, source_.folders), search_);
  warn(composition.warnings);
  return composition;
}

Recipe RowBinder::bound(const std::string& recipe, const config::Composition& composition) const {
  return bind_recipe(*source_.registry, recipe_name(recipe), composition.config);
}

std::shared_ptr<const DataManifest> RowBinder::manifest_of_data(const Recipe& recipe) {
  const std::string asked = text_under(recipe.resolved, "data");
  const auto known = manifests_.find(asked);
  if (known != manifests_.end()) return known->second;
  // Where the data are missing nothing is kept, and the next row that asks for them says so too.
  return manifests_[asked] = std::make_shared<const DataManifest>(data_manifest(recipe));
}

std::string RowBinder::identity_of(const Recipe& recipe) {
  return run_identity(recipe.identity, recipe.parts, *manifest_of_data(recipe));
}

std::string RowBinder::identify(const std::string& recipe, const std::vector<std::string>& overrides) {
  return identity_of(bound(recipe, compose(recipe, overrides)));
}

std::vector<MetricInfo> RowBinder::metrics(const std::string& recipe, const std::vector<std::string>& overrides) {
  return reported_metrics(bound(recipe, compose(recipe, overrides)));
}

PreparedRow RowBinder::prepare(const std::string& name, const std::vector<std::string>& overrides) {
  config::Composition composition = compose(name, overrides);
  const Recipe recipe = bound(name, composition);
  if (prompts_.insert(text_under(recipe.resolved, "tokenizer") + text_under(recipe.resolved, "samples"))
          .second)
    check_prompt(recipe);
  warn(recipe_remarks(recipe));
  const auto [parameters, flops] = size_of(recipe);
  const TrainerConfig& trainer = recipe.trainer;
  const int64_t a_step = trainer.batch * trainer.accumulate * trainer.length;
  warn(cost_remarks(recipe, {.parameters = parameters, .flops = flops}));
  for (const char* key : {"data", "tokenizer"}) {
    config::Node* written = composition.config.find(key);
    const config::Node* found = recipe.resolved.find(key);
    if (written != nullptr && found != nullptr) take_found_names(*written, *found);
  }
  PreparedRow row{.parameters = parameters,
                  .tokens = trainer.steps.value_or(0) * a_step,
                  .flops = flops,
                  .resolved = recipe.resolved,
                  .recipe = std::make_shared<const config::Node>(std::move(composition.config)),
                  .code = part_code(recipe.versions),
                  .price = price_text(recipe.resolved),
                  .asks_for_seed = asks_for_seed(composition.unresolved)};
  for (const MetricInfo& each : reported_metrics(recipe)) row.metrics.push_back(each.name);
  try {
    row.data = manifest_of_data(recipe);
    row.id = identity_of(recipe);
  } catch (const ConfigError&) {
    throw;
  } catch (const Error& error) {  // the plan shows cells and parameters all the same
    row.missing = error.what();
  }
  return row;
}

std::pair<int64_t, double> RowBinder::size_of(const Recipe& recipe) {
  const TaskShape& shape = recipe.shape;
  const std::string asked = fmt::format("{} {} {} {} {}", text_under(recipe.resolved, "net"),
                                        recipe.vocabulary, shape.classes, shape.channels, shape.length);
  const auto [size, is_new] = sizes_.try_emplace(asked);
  if (is_new) {
    const auto net = make_meta_net(recipe);
    size->second = {parameter_count(*net), net->flops(shape.length)};
  }
  return size->second;
}

std::optional<Problem> RowBinder::check(const std::string& name, const std::vector<std::string>& overrides) {
  const Recipe recipe = bound(name, compose(name, overrides));
  config::Node step = recipe.resolved;
  for (const char* later : {"optimizer", "schedule", "seed"}) step.erase(later);
  if (!checked_.insert(config::to_json(step)).second) return std::nullopt;
  return check_recipe_apart(recipe, kMostTried);
}

CellOutcome perform_cell(const CellSource& source, const CellTask& task, const Store& store,
                         const CellSurroundings& surroundings) {
  const Recipe recipe = bind_recipe(*source.registry, recipe_name(task.recipe), *task.config);
  const RunPlan plan = run_plan(recipe);
  expect_planned(plan, task);
  CellSurroundings within = surroundings;
  if (within.until && recipe.trainer.steps && *within.until >= *recipe.trainer.steps) within.until.reset();
  PauseObserver pause(within);
  Observers observers{&pause, surroundings.observer};
  try {
    const RunResult result = perform(recipe, plan, store,
                                     {.observer = &observers,
                                      .stop = pause.stop(),
                                      .checkpoint = &checkpoint_asked(),
                                      .command_line = source.command_line,
                                      .other_machine = source.other_machine,
                                      .lease = surroundings.lease,
                                      .notes = surroundings.notes});
    const bool is_reused = result.is_reused && result.outcome.done();
    const Status status = result.outcome.status;
    if (status == Status::done) keep_checkpoints(result.folder, task.keep);
    return {.status = is_reused ? Status::reused : status,
            .message = message_of(result.outcome),
            .is_paused = status == Status::stopped && pause.has_paused()};
  } catch (const Error& error) {
    const std::string& kind = error.first().kind;
    if (kind == "locked" || kind == "lost") return {Status::held, error.first().message};
    throw;
  }
}

CellOutcome perform_cell(const CellSource& source, const CellTask& task, const Store& store, WorkerLink& link,
                         CellSurroundings surroundings) {
  LinkObserver observer(link);
  surroundings.observer = &observer;
  surroundings.stop = &link.stop();
  return perform_cell(source, task, store, surroundings);
}

}  // namespace subband
