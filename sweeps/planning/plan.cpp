#include "sweeps/planning/plan.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/error.h"
#include "sweeps/planning/forecast.h"

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

std::string state_of(const std::string& status) {
  if (is_settled(status)) return "reused";
  if (status == "running") return "running";
  if (status == "stopped" || status == "interrupted") return "resume";
  return "retry";
}

void look_up(PlannedCell& planned, const std::vector<RunSummary>& runs) {
  planned.state = "new";
  for (const RunSummary& run : runs) {
    if (run.id != planned.id || run.seed != planned.cell.seed) continue;
    planned.state = state_of(run.status);
    planned.status = run.status;
    planned.folder = run.folder;
  }
}

}  // namespace

size_t SweepPlan::count(const std::string& state) const {
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
  for (size_t i = 0; i < rows.size(); ++i) {
    const SweepRow& row = plan.grid.rows[i];
    try {
      rows[i] = prepare(row.recipe, cell_overrides(spec, row, spec.seeds.front(), extra));
    } catch (const Error& error) {  // ConfigError, or what a part refuses when it is made
      complaints.add(spec, row, error);
    }
  }
  complaints.finish();
  const Forecast forecast(runs);
  std::map<std::string, std::string> row_of_id;
  for (const Cell& cell : plan.grid.cells) {
    const PreparedRow& row = rows[cell.row];
    PlannedCell planned{.cell = cell, .id = row.id, .parameters = row.parameters, .tokens = row.tokens};
    look_up(planned, runs);
    forecast.predict(planned);
    const std::string& label = plan.grid.rows[cell.row].label;
    const auto [first, is_new] = row_of_id.emplace(row.id, label);
    if (!is_new && first->second != label) planned.same_as = first->second;
    plan.cells.push_back(std::move(planned));
  }
  return plan;
}

SweepManifest manifest_of(const SweepPlan& plan, const std::string& spec_file) {
  SweepManifest manifest{.name = plan.spec.name,
                         .spec = spec_file,
                         .metric = plan.spec.metric,
                         .goal = plan.spec.goal,
                         .seeds = plan.spec.seeds,
                         .published = plan.spec.published};
  std::set<std::string> baselines;
  for (const SweepRow& row : plan.grid.rows) baselines.insert(row.baseline);
  if (baselines.size() == 1) manifest.baseline = *baselines.begin();
  for (const PlannedCell& planned : plan.cells) {
    const SweepRow& row = plan.grid.rows[planned.cell.row];
    SweepCell cell{.row = row.label, .seed = planned.cell.seed, .id = planned.id};
    if (row.recipe != plan.spec.base) cell.overrides.push_back("recipe=" + row.recipe);
    cell.overrides.insert(cell.overrides.end(), row.overrides.begin(), row.overrides.end());
    if (row.baseline != manifest.baseline) cell.baseline = row.baseline;
    manifest.cells.push_back(std::move(cell));
  }
  manifest.claims = plan.spec.claims;
  manifest.columns = plan.spec.columns;
  manifest.lines = plan.spec.lines;
  return manifest;
}

std::optional<double> plan_seconds(const SweepPlan& plan, int64_t jobs) {
  // As the scheduler deals them out: each cell, in order, to the worker that is free first.
  std::vector<double> workers(static_cast<size_t>(std::max<int64_t>(jobs, 1)), 0.0);
  for (const PlannedCell& cell : plan.cells) {
    if (cell.state == "reused" || !cell.same_as.empty()) continue;
    if (!cell.seconds) return std::nullopt;
    *std::ranges::min_element(workers) += *cell.seconds;
  }
  return *std::ranges::max_element(workers);
}

}  // namespace subband
