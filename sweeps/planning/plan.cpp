#include "sweeps/planning/plan.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/error.h"
#include "core/json.h"
#include "core/text.h"
#include "runs/other_code.h"
#include "sweeps/planning/forecast.h"
#include "sweeps/planning/match_row.h"
#include "sweeps/planning/row_changes.h"
#include "sweeps/planning/split_cell.h"

namespace subband {

namespace {

// Mistakes of all rows, each said once: the base's are those of every row.
class RowComplaints {
 public:
  void add(const SweepSpec& spec, const SweepRow& row, const Error& error) {
    for (const Problem& problem : error.problems()) {
      if (!seen_.insert(problem.message).second) continue;
      const std::string place = row.place.source ? row.place.text() : spec.name;
      problems_.push_back({place, "row '" + row.label + "': " + problem.line(), problem.kind});
    }
  }
  void finish() const {
    if (!problems_.empty()) throw ConfigError(problems_);
  }

 private:
  std::set<std::string> seen_;
  std::vector<Problem> problems_;
};

Status state_of(Status status) {
  if (is_settled(status)) return Status::reused;
  if (status == Status::running) return Status::running;
  if (status == Status::stopped || status == Status::interrupted) return Status::resume;
  return Status::retry;
}

// A metric that no row reports would be found out after the training.
void check_metrics(const SweepSpec& spec, const std::vector<PreparedRow>& rows) {
  std::set<std::string> known;
  for (const PreparedRow& row : rows) known.insert(row.metrics.begin(), row.metrics.end());
  if (known.empty()) return;
  std::vector<Problem> problems;
  const auto check = [&](const config::Place& place, const std::string& what, const std::string& name) {
    if (known.contains(name)) return;
    const auto near = nearest(name, std::vector<std::string>(known.begin(), known.end()));
    problems.push_back({place.source ? place.text() : spec.name,
                        what + " = " + name + ": no row reports it" +
                            (near ? "; did you mean '" + *near + "'? " : "; ") + "'subband list metric " +
                            spec.base + "' lists what there is",
                        "unknown_metric"});
  };
  check(spec.metric_place, "metric.name", spec.metric);
  if (spec.tune) check(spec.tune->place, "tune_by", spec.tune->metric);
  for (const SweepColumn& column : spec.columns)
    check(column.place, "columns." + column.title, column.metric);
  if (!problems.empty()) throw ConfigError(problems);
}

// What every row changes besides what it asks for, against its baseline or else the bare base; `base`: that, bound, or
// nullptr.
std::vector<std::string> remarks_on(const std::vector<SweepRow>& rows,
                                    const std::vector<PreparedRow>& prepared, const std::string& base_recipe,
                                    const PreparedRow* base) {
  std::vector<std::string> remarks;
  std::map<std::string, size_t> by_label;
  for (size_t i = 0; i < rows.size(); ++i) by_label.emplace(rows[i].label, i);
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto named = by_label.find(rows[i].baseline);
    const bool has_baseline = !rows[i].baseline.empty() && named != by_label.end();
    const PreparedRow* against = has_baseline ? &prepared[named->second] : base;
    if (against == nullptr || against == &prepared[i]) {
      remarks.emplace_back();
      continue;
    }
    const bool is_same_recipe = rows[i].recipe == (has_baseline ? rows[named->second].recipe : base_recipe);
    remarks.push_back(row_remark(
        is_same_recipe ? side_changes(against->resolved, prepared[i].resolved) : std::vector<std::string>{},
        parameter_change(against->parameters, prepared[i].parameters)));
  }
  return remarks;
}

// Runs by identity and seed; of several the last one.
using RunsById = std::map<std::pair<std::string, int64_t>, const RunSummary*>;

// A failure of other code is no result of this one.
void look_up(PlannedCell& planned, const PreparedRow& row, const RunsById& runs) {
  const auto run = runs.find({planned.id, planned.cell.seed});
  if (run == runs.end()) return;
  planned.state = state_of(run->second->status);
  planned.status = run->second->status;
  planned.folder = run->second->folder;
  planned.other_code = other_code(run->second->code, row.code);
  if (!planned.other_code.empty() && is_failure(run->second->status)) planned.state = Status::retry;
}

int64_t devices_of(const config::Node& resolved) {
  const config::Node* device = resolved.at("trainer.device");
  return device != nullptr && device->is(config::Node::Kind::string) && device->string().starts_with("cuda")
             ? 1
             : 0;
}

int64_t threads_of(const config::Node& resolved) {
  const config::Node* threads = resolved.at("trainer.threads");
  return threads != nullptr && threads->is(config::Node::Kind::integer) ? threads->integer() : 1;
}

CostTraits traits_of(const PreparedRow& row) {
  if (!row.resolved.is(config::Node::Kind::map)) return {};
  return cost_traits(read_json_or_null(config::to_json(row.resolved)), row.parameters, row.flops);
}

// Weights and what the optimiser keeps of each, as often as checkpoints stay.
double disk_mib_of(const PreparedRow& row, const std::string& keep) {
  const config::Node* optimizer = row.resolved.at("optimizer.type");
  const bool keeps_two =
      optimizer != nullptr && optimizer->is(config::Node::Kind::string) && optimizer->string() == "adamw";
  const double copies = keep == "none" ? 0 : keep == "all" ? 2 : 1;
  return copies * (keeps_two ? 3 : 2) * 4 * static_cast<double>(row.parameters) / (1024.0 * 1024.0);
}

// What the store makes of a row's cell.
PlannedCell planned_cell(const PreparedRow& row, const Cell& cell, const RunsById& runs,
                         const Forecast& forecast) {
  PlannedCell planned{.cell = cell,
                      .id = row.id,
                      .parameters = row.parameters,
                      .tokens = row.tokens,
                      .recipe = row.recipe,
                      .data = row.data,
                      .traits = forecast.wants_traits(row.id) ? traits_of(row) : CostTraits{},
                      .threads = threads_of(row.resolved),
                      .devices = devices_of(row.resolved)};
  if (row.id.empty())
    planned.state = Status::fresh;
  else
    look_up(planned, row, runs);
  forecast.predict(planned);
  return planned;
}

RunsById by_identity(const std::vector<RunSummary>& runs) {
  RunsById by_id;
  for (const RunSummary& run : runs) by_id[{run.id, run.seed}] = &run;
  return by_id;
}

// Where a row asks for the size of another one, the override that gives it.
void match_size(SweepRow& row, const SweepSpec& spec, const std::vector<std::string>& extra,
                const PrepareRow& prepare, const PreparedRow* base) {
  if (!row.match) return;
  const auto changed = [&](const std::vector<std::string>& more) {
    SweepRow other = row;
    other.overrides.insert(other.overrides.end(), more.begin(), more.end());
    return prepare(other.recipe, cell_overrides(spec, other, spec.seeds.front(), extra));
  };
  row.overrides.push_back(matching_override(*row.match, base, changed));
}

}  // namespace

size_t SweepPlan::count(Status state) const {
  return static_cast<size_t>(std::ranges::count(cells, state, &PlannedCell::state));
}

int64_t training_tokens(const RecordJson& config) {
  if (!config.is_object() || !config.contains("trainer")) return 0;
  const RecordJson& trainer = config.at("trainer");
  return integer_in(trainer, "steps") * integer_in(trainer, "batch", 1) *
         integer_in(trainer, "accumulate", 1) * integer_in(trainer, "length", 1);
}

SweepPlan make_plan(const SweepSpec& spec, const std::vector<std::string>& extra, const PrepareRow& prepare,
                    const std::vector<RunSummary>& runs) {
  SweepPlan plan{.spec = spec, .grid = expand(spec), .extra = extra};
  RowComplaints complaints;
  std::vector<PreparedRow> rows(plan.grid.rows.size());
  std::optional<PreparedRow> base;
  try {
    base = prepare(spec.base, cell_overrides(spec, {}, spec.seeds.front(), extra));
  } catch (const Error&) {  // a base that its rows complete
  }
  const auto prepared = [&](size_t number, int64_t seed) {
    const SweepRow& row = plan.grid.rows[number];
    try {
      return prepare(row.recipe, cell_overrides(spec, row, seed, extra));
    } catch (const Error& error) {  // ConfigError, or what a part refuses when it is made
      complaints.add(spec, row, error);
      return PreparedRow{};
    }
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    SweepRow& row = plan.grid.rows[i];
    try {
      match_size(row, spec, extra, prepare, base ? &*base : nullptr);
    } catch (const Error& error) {
      complaints.add(spec, row, error);
      continue;
    }
    rows[i] = prepared(i, spec.seeds.front());
  }
  complaints.finish();
  check_metrics(spec, rows);
  for (const PreparedRow& row : rows)
    if (!row.price.empty() && std::ranges::find(plan.prices, row.price) == plan.prices.end())
      plan.prices.push_back(row.price);
  plan.remarks = remarks_on(plan.grid.rows, rows, spec.base, base ? &*base : nullptr);
  const Forecast forecast(runs);
  const RunsById by_id = by_identity(runs);
  std::map<std::string, std::string> row_of_id;
  for (const Cell& cell : plan.grid.cells) {
    const bool has_own = rows[cell.row].asks_for_seed && cell.seed != spec.seeds.front();
    const PreparedRow own = has_own ? prepared(cell.row, cell.seed) : PreparedRow{};
    const PreparedRow& row = has_own ? own : rows[cell.row];
    PlannedCell planned = planned_cell(row, cell, by_id, forecast);
    planned.disk_mib = disk_mib_of(row, spec.keep);
    if (!row.missing.empty() && std::ranges::find(plan.missing, row.missing) == plan.missing.end())
      plan.missing.push_back(row.missing);
    plan.code.insert(row.code.begin(), row.code.end());
    if (!row.id.empty()) {
      const std::string& label = plan.grid.rows[cell.row].label;
      const auto [first, is_new] = row_of_id.emplace(row.id, label);
      if (!is_new && first->second != label) planned.same_as = first->second;
    }
    plan.cells.push_back(std::move(planned));
  }
  complaints.finish();
  split_known_cells(plan, prepare, runs);
  return plan;
}

PlannedCell planned_cell(const PreparedRow& row, const Cell& cell, const std::vector<RunSummary>& runs) {
  return planned_cell(row, cell, by_identity(runs), Forecast(runs));
}

std::string split_override(int64_t parts) { return "trainer.split=" + std::to_string(parts); }

size_t add_cell(SweepPlan& plan, const SweepRow& row, int64_t seed, const PrepareRow& prepare,
                const std::vector<RunSummary>& runs) {
  const auto place = std::ranges::find(plan.grid.rows, row.label, &SweepRow::label);
  const auto number = static_cast<size_t>(place - plan.grid.rows.begin());
  const bool is_new = place == plan.grid.rows.end();
  const SweepRow planned = is_new ? row : *place;
  for (size_t i = 0; i < plan.cells.size(); ++i)
    if (plan.cells[i].cell.row == number && plan.cells[i].cell.seed == seed) return i;
  const PreparedRow prepared = prepare(planned.recipe, cell_overrides(plan.spec, planned, seed, plan.extra));
  if (is_new) {
    plan.grid.rows.push_back(planned);
    plan.remarks.emplace_back();
  }
  plan.code.insert(prepared.code.begin(), prepared.code.end());
  plan.grid.cells.push_back({number, seed, planned.label + ", seed " + std::to_string(seed)});
  plan.cells.push_back(planned_cell(prepared, plan.grid.cells.back(), runs));
  return plan.cells.size() - 1;
}

SweepManifest manifest_of(const SweepPlan& plan, const std::string& spec_file) {
  SweepManifest manifest{.name = plan.spec.name,
                         .spec = spec_file,
                         .metric = plan.spec.metric,
                         .goal = plan.spec.goal,
                         .seeds = plan.spec.seeds,
                         .published = plan.spec.published};
  if (spec_file.ends_with(".yaml")) manifest.file = std::filesystem::absolute(spec_file).lexically_normal();
  std::set<std::string> baselines;
  for (const SweepRow& row : plan.spec.tune ? plan.grid.tuned : plan.grid.rows) baselines.insert(row.baseline);
  if (baselines.size() == 1) manifest.baseline = *baselines.begin();
  for (const PlannedCell& planned : plan.cells) {
    const SweepRow& row = plan.grid.rows[planned.cell.row];
    SweepCell cell{.row = row.label, .seed = planned.cell.seed, .id = planned.id};
    if (row.recipe != plan.spec.base) cell.overrides.push_back("recipe=" + row.recipe);
    cell.overrides.insert(cell.overrides.end(), row.overrides.begin(), row.overrides.end());
    if (row.baseline != manifest.baseline) cell.baseline = row.baseline;
    cell.trial_of = row.trial_of;
    cell.split = planned.split;
    manifest.cells.push_back(std::move(cell));
  }
  manifest.claims = plan.spec.claims;
  manifest.columns = plan.spec.columns;
  manifest.lines = plan.spec.lines;
  manifest.code = plan.code;
  if (plan.spec.search) manifest.searched = search_text(*plan.spec.search);
  if (plan.spec.tune) manifest.tuned_by = plan.spec.tune->metric;
  std::set<std::string> remarked;
  for (size_t i = 0; i < plan.remarks.size(); ++i) {
    const SweepRow& row = plan.grid.rows[i];
    const std::string& label = row.trial_of.empty() ? row.label : row.trial_of;  // a row's trials say the same of it
    if (!plan.remarks[i].empty() && remarked.insert(label).second)
      manifest.remarks.push_back({label, plan.remarks[i]});
  }
  return manifest;
}

}  // namespace subband
