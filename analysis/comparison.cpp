#include "analysis/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/text.h"

namespace subband {

using Json = nlohmann::ordered_json;
using RunsBySeed = std::map<std::pair<std::string, int64_t>, const RunSummary*>;

namespace {

std::optional<double> metric_in(const RunSummary& run, const std::string& name) {
  const auto found = run.metrics.find(name);
  return found == run.metrics.end() ? std::nullopt : std::optional(found->second);
}

// One row while its cells are gathered.
struct RowCells {
  ComparedRow row;
  std::vector<double> seconds, peaks;
  std::vector<std::vector<double>> shown;                            // of each column
  std::map<std::string, std::vector<std::string>> seeds_by_trouble;  // in the order of their texts
};

void add_trouble(RowCells& row, Comparison& comparison, const SweepCell& cell, const std::string& status,
                 const std::string& message) {
  row.seeds_by_trouble[status].push_back(std::to_string(cell.seed));
  comparison.failures.push_back(cell.row + ", seed " + std::to_string(cell.seed) + ": " + status +
                                (message.empty() ? "" : ": " + message));
}

void add_cell(RowCells& row, Comparison& comparison, const SweepCell& cell, const RunSummary* run) {
  ++row.row.seeds;
  ++comparison.cells;
  if (run == nullptr) return add_trouble(row, comparison, cell, "not run", "");
  row.row.parameters = std::max(row.row.parameters, run->parameters);
  if (run->status != "done") {
    const std::string at = run->status + " at step " + std::to_string(run->step);
    return add_trouble(row, comparison, cell, at, run->message);
  }
  ++comparison.done;
  const auto value = metric_in(*run, comparison.metric);
  if (!value) return add_trouble(row, comparison, cell, "has no " + comparison.metric, "");
  row.row.values[cell.seed] = *value;
  row.seconds.push_back(metric_in(*run, "train.seconds").value_or(run->seconds));
  if (const auto peak = metric_in(*run, "train.peak_mib")) row.peaks.push_back(*peak);
  row.shown.resize(comparison.columns.size());
  for (size_t i = 0; i < row.shown.size(); ++i) {
    if (const auto each = metric_in(*run, comparison.columns[i].metric)) row.shown[i].push_back(*each);
  }
}

ComparedRow finished(RowCells cells) {
  ComparedRow row = std::move(cells.row);
  std::vector<double> values;
  for (const auto& [seed, value] : row.values) values.push_back(value);
  row.summary = summarize(values);
  row.seconds = summarize(cells.seconds);
  row.peak_mib = summarize(cells.peaks);
  for (const std::vector<double>& each : cells.shown) row.shown.push_back(summarize(each));
  for (const auto& [trouble, seeds] : cells.seeds_by_trouble)
    row.notes.push_back((seeds.size() == 1 ? "seed " : "seeds ") + join(seeds, ", ") + " " + trouble);
  return row;
}

const ComparedRow* row_named(const Comparison& comparison, const std::string& label) {
  const auto found = std::ranges::find(comparison.rows, label, &ComparedRow::label);
  return found == comparison.rows.end() ? nullptr : &*found;
}

SweepClaim judge(const Comparison& comparison, const SweepClaim& claim) {
  SweepClaim judged = claim;
  judged.finding = "no seed has both rows yet";
  const ComparedRow* row = row_named(comparison, claim.row);
  if (row == nullptr || row->difference.pairs == 0) return judged;
  const double better_by = gain(row->difference.mean, comparison.goal);
  if (claim.is == "equal")
    judged.holds = std::abs(better_by) <= claim.by;
  else
    judged.holds = (claim.is == "better" ? better_by : -better_by) >= claim.by && better_by != 0;
  const size_t pairs = row->difference.pairs;
  judged.finding = fmt::format("{} by {:.4f} ({} {})", better_by > 0 ? "better" : "worse",
                               std::abs(better_by), pairs, pairs == 1 ? "seed" : "seeds");
  return judged;
}

std::string signed_text(double value) {
  return fmt::format("{}{:.4f}", value < 0 ? "−" : "+", std::abs(value));
}

TableCell value_cell(const ComparedRow& row) {
  if (row.summary.count == 0) return {.text = "–"};
  std::string text = fmt::format("{:.4f}", row.summary.mean);
  if (row.summary.count > 1) text += fmt::format(" ± {:.4f}", row.summary.deviation);
  return {.text = text, .value = row.summary.mean};
}

TableCell difference_cell(const ComparedRow& row) {
  const bool is_own = row.baseline.empty() || row.baseline == row.label;
  if (is_own || row.difference.pairs == 0) return {.text = "–"};
  std::string text = signed_text(row.difference.mean);
  if (row.difference.pairs > 1) text += fmt::format(" ± {:.4f}", row.difference.standard_error);
  return {.text = text, .value = row.difference.mean};
}

// 0.8125, 26.2 M
std::string plain_number(double value) {
  constexpr std::pair<double, const char*> kScales[] = {{1e12, " T"}, {1e9, " G"}, {1e6, " M"}, {1e4, " k"}};
  for (const auto& [scale, unit] : kScales) {
    if (std::abs(value) >= scale) return fmt::format("{:.3g}{}", value / (scale == 1e4 ? 1e3 : scale), unit);
  }
  return fmt::format("{:.4f}", value);
}

TableCell shown_cell(const ComparedRow& row, size_t column) {
  if (column >= row.shown.size() || row.shown[column].count == 0) return {.text = "–"};
  return {.text = plain_number(row.shown[column].mean), .value = row.shown[column].mean};
}

TableCell note_cell(const ComparedRow& row, const std::string& goal) {
  std::vector<std::string> notes;
  const bool has_difference = row.difference.pairs > 0 && row.baseline != row.label && !row.baseline.empty();
  if (has_difference && direction(row.difference, goal) != "unclear")
    notes.push_back(direction(row.difference, goal));
  notes.insert(notes.end(), row.notes.begin(), row.notes.end());
  return {.text = join(notes, "; ")};
}

std::vector<std::string> table_notes(const Comparison& comparison) {
  std::vector<std::string> notes;
  for (const SweepClaim& claim : comparison.claims) {
    const char* sign = !claim.holds ? "?" : *claim.holds ? "✓" : "✗";
    const std::string by =
        claim.by > 0 || claim.is == "equal"
            ? std::string(claim.is == "equal" ? " within " : " by ") + fmt::format("{:g}", claim.by)
            : "";
    notes.push_back(std::string(sign) + " " + claim.row + ": claimed " + claim.is + by + "; found " +
                    claim.finding);
  }
  if (comparison.done < comparison.cells)
    notes.push_back(fmt::format("{} of {} cells are done", comparison.done, comparison.cells));
  return notes;
}

}  // namespace

Comparison compare(const SweepManifest& sweep, const std::vector<RunSummary>& runs) {
  Comparison comparison{.name = sweep.name, .metric = sweep.metric, .goal = sweep.goal};
  comparison.columns = sweep.columns, comparison.lines = sweep.lines;
  RunsBySeed by_seed;
  for (const RunSummary& run : runs) by_seed[{run.id, run.seed}] = &run;
  std::vector<RowCells> rows;
  for (const SweepCell& cell : sweep.cells) {
    auto row = std::ranges::find_if(rows, [&](const RowCells& each) { return each.row.label == cell.row; });
    if (row == rows.end()) {
      rows.push_back(
          {.row = {.label = cell.row, .baseline = cell.baseline.empty() ? sweep.baseline : cell.baseline}});
      row = rows.end() - 1;
    }
    const auto run = by_seed.find({cell.id, cell.seed});
    add_cell(*row, comparison, cell, run == by_seed.end() ? nullptr : run->second);
  }
  for (RowCells& row : rows) comparison.rows.push_back(finished(std::move(row)));
  for (ComparedRow& row : comparison.rows) {
    const ComparedRow* baseline = row_named(comparison, row.baseline);
    row.difference = paired_difference(row.values, baseline == nullptr ? BySeed{} : baseline->values);
  }
  for (const SweepClaim& claim : sweep.claims) comparison.claims.push_back(judge(comparison, claim));
  return comparison;
}

Table comparison_table(const Comparison& comparison, bool with_cost) {
  Table table{.title = comparison.name + ": " + comparison.metric +
                       (comparison.goal == "min" ? ", less is better" : ", more is better")};
  table.columns = {{.title = "row", .may_shrink = true},
                   {.title = comparison.metric, .is_number = true},
                   {.title = "delta", .is_number = true}};
  for (const SweepColumn& column : comparison.columns)
    table.columns.push_back({.title = column.title, .is_number = true});
  table.columns.push_back({.title = "params", .is_number = true});
  if (with_cost) {
    table.columns.push_back({.title = "time", .is_number = true});
    table.columns.push_back({.title = "memory", .is_number = true});
  }
  table.columns.push_back({.title = "notes", .may_shrink = true});
  for (const ComparedRow& row : comparison.rows) {
    std::vector<TableCell> cells = {{.text = row.label}, value_cell(row), difference_cell(row)};
    for (size_t i = 0; i < comparison.columns.size(); ++i) cells.push_back(shown_cell(row, i));
    cells.push_back(row.parameters > 0 ? TableCell{grouped(row.parameters), row.parameters} : TableCell{"–"});
    if (with_cost) {
      cells.push_back(row.seconds.count > 0 ? TableCell{duration_text(row.seconds.mean), row.seconds.mean}
                                            : TableCell{"–"});
      cells.push_back(row.peak_mib.count > 0
                          ? TableCell{fmt::format("{:.0f} MiB", row.peak_mib.mean), row.peak_mib.mean}
                          : TableCell{"–"});
    }
    cells.push_back(note_cell(row, comparison.goal));
    table.rows.push_back(std::move(cells));
  }
  for (const SweepLine& line : comparison.lines) {
    std::vector<TableCell> cells(table.columns.size(), TableCell{.text = "–"});
    cells.front() = {.text = line.label};
    cells[1] = {.text = fmt::format("{:.4f}", line.value), .value = line.value};
    cells.back() = {.text = "for comparison"};
    table.rows.push_back(std::move(cells));
  }
  table.notes = table_notes(comparison);
  return table;
}

}  // namespace subband
