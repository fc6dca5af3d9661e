#include "analysis/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "analysis/claims.h"
#include "core/languages/json.h"
#include "core/languages/numbers.h"
#include "core/text.h"
#include "runs/claim_register.h"
#include "runs/other_code.h"

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

bool is_end(Status status) {
  return is_settled(status) || status == Status::failed || status == Status::out_of_memory ||
         status == Status::time_out;
}

void add_cell(RowCells& row, Comparison& comparison, const SweepCell& cell, const RunSummary* run) {
  ++row.row.seeds;
  row.row.has_ended[cell.seed] = run == nullptr ? !cell.refused.empty() : is_end(run->status);
  ++comparison.cells;
  if (run == nullptr)
    return add_trouble(row, comparison, cell, cell.refused.empty() ? "not run" : "refused", cell.refused);
  row.row.parameters = std::max(row.row.parameters, run->parameters);
  if (cell.split > 0)
    row.seeds_by_trouble[fmt::format("lacked memory: micro-batches computed in {} parts", cell.split)].push_back(
        std::to_string(cell.seed));
  if (run->status == Status::stopped && !comparison.searched.empty()) {  // it never went on from its last rung
    row.seeds_by_trouble["pruned at step " + std::to_string(run->step)].push_back(std::to_string(cell.seed));
    return;
  }
  if (run->status != Status::done) {
    const std::string at = word_of(run->status) + " at step " + std::to_string(run->step);
    return add_trouble(row, comparison, cell, at, run->message);
  }
  ++comparison.done;
  if (const auto parts = other_code(run->code, comparison.code); !parts.empty()) {
    ++comparison.of_other_code;
    comparison.other_parts.insert(parts.begin(), parts.end());
    row.seeds_by_trouble["of other code: " + join(parts, ", ")].push_back(std::to_string(cell.seed));
  }
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

// A few by name, many by their number.
std::string seeds_text(const std::vector<std::string>& seeds) {
  constexpr size_t kMost = 8;
  if (seeds.size() > kMost) return grouped(static_cast<int64_t>(seeds.size())) + " seeds";
  return (seeds.size() == 1 ? "seed " : "seeds ") + join(seeds, ", ");
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
    row.notes.push_back(seeds_text(seeds) + " " + trouble);
  return row;
}

// `optimizer.lr=0.003, best of 4 trials`
void note_trials(ComparedRow& row, const SweepManifest& sweep) {
  std::vector<std::string> chosen;
  for (const SweepCell& cell : sweep.cells)
    if (cell.row == row.label) chosen = cell.overrides;
  std::set<std::string> trials;
  std::string setting;
  for (const SweepCell& cell : sweep.cells) {
    if (cell.trial_of.empty() || cell.trial_of != row.label) continue;
    trials.insert(cell.row);
    if (cell.overrides == chosen) setting = cell.row.substr(row.label.size() + 2);
  }
  row.trials = trials.size();
  if (!setting.empty()) row.notes.push_back(fmt::format("{}, best of {} trials", setting, trials.size()));
}

const ComparedRow* row_named(const Comparison& comparison, const std::string& label) {
  const auto found = std::ranges::find(comparison.rows, label, &ComparedRow::label);
  return found == comparison.rows.end() ? nullptr : &*found;
}

// `2.5500 ± 0.0707`; a spread that is no number is not shown.
std::string with_spread(std::string text, size_t count, double spread) {
  if (count > 1 && std::isfinite(spread)) text += " ± " + decimal_text(spread);
  return text;
}

TableCell spread_cell(size_t count, double spread) {
  return count > 1 && std::isfinite(spread) ? number_cell(decimal_text(spread), spread) : empty_cell();
}

bool has_difference(const ComparedRow& row) {
  return row.difference.pairs > 0 && !row.baseline.empty() && row.baseline != row.label;
}

// Mean, sd, n of the metric, then difference and its standard error.
void add_value_cells(std::vector<TableCell>& cells, const ComparedRow& row) {
  const Summary& value = row.summary;
  const std::string text = with_spread(decimal_text(value.mean), value.count, value.deviation);
  cells.push_back(value.count == 0 ? empty_cell() : number_cell(text, value.mean));
  cells.push_back(spread_cell(value.count, value.deviation));
  cells.push_back({.text = std::to_string(value.count), .value = value.count});
  const PairedDifference& difference = row.difference;
  const std::string delta =
      with_spread(signed_text(difference.mean), difference.pairs, difference.standard_error);
  cells.push_back(has_difference(row) ? number_cell(delta, difference.mean) : empty_cell());
  cells.push_back(has_difference(row) ? spread_cell(difference.pairs, difference.standard_error)
                                      : empty_cell());
}

TableCell seeds_cell(const ComparedRow& row) {
  std::vector<std::string> seeds;
  Json values = Json::object();
  for (const auto& [seed, value] : row.values) {
    seeds.push_back(std::to_string(seed));
    values[seeds.back()] = json_number(value);
  }
  return {.text = join(seeds, " "), .value = std::move(values)};
}

// 0.8125, 26.2 M
std::string plain_number(double value) {
  constexpr std::pair<double, const char*> kScales[] = {{1e12, " T"}, {1e9, " G"}, {1e6, " M"}, {1e4, " k"}};
  for (const auto& [scale, unit] : kScales) {
    if (std::isfinite(value) && std::abs(value) >= scale && std::abs(value) < 1e15)
      return fmt::format("{:.3g}{}", value / (scale == 1e4 ? 1e3 : scale), unit);
  }
  return decimal_text(value);
}

TableCell shown_cell(const ComparedRow& row, size_t column) {
  if (column >= row.shown.size() || row.shown[column].count == 0) return empty_cell();
  return number_cell(plain_number(row.shown[column].mean), row.shown[column].mean);
}

TableCell note_cell(const ComparedRow& row, const std::string& goal) {
  std::vector<std::string> notes;
  if (has_difference(row) && direction(row.difference, goal) != "unclear")
    notes.push_back(direction(row.difference, goal));
  notes.insert(notes.end(), row.notes.begin(), row.notes.end());
  return {.text = join(notes, "; ")};
}

void add_cost_cells(std::vector<TableCell>& cells, const ComparedRow& row) {
  cells.push_back(row.seconds.count > 0 ? number_cell(duration_text(row.seconds.mean), row.seconds.mean)
                                        : empty_cell());
  cells.push_back(row.peak_mib.count > 0 ? number_cell(mib_text(row.peak_mib.mean), row.peak_mib.mean)
                                         : empty_cell());
}

// The columns of every comparison; those of the sweep's own stand before `params`.
std::vector<TableColumn> standard_columns(const std::string& metric, bool with_cost) {
  std::vector<TableColumn> columns = {{.title = "row", .may_shrink = true},
                                      {.title = metric, .is_number = true},
                                      {.title = "sd", .is_number = true, .is_for_data = true},
                                      {.title = "n", .is_number = true, .is_for_data = true},
                                      {.title = "delta", .is_number = true},
                                      {.title = "delta se", .is_number = true, .is_for_data = true},
                                      {.title = "params", .is_number = true}};
  if (with_cost)
    columns.insert(columns.end(),
                   {{.title = "time", .is_number = true}, {.title = "memory", .is_number = true}});
  columns.insert(columns.end(),
                 {{.title = "notes", .may_shrink = true}, {.title = "seeds", .is_for_data = true}});
  return columns;
}

// The row with the best mean, where several rows have one and one is better than the others.
std::optional<size_t> best_row(const Comparison& comparison) {
  std::vector<std::pair<double, size_t>> gains;
  for (size_t i = 0; i < comparison.rows.size(); ++i) {
    const Summary& value = comparison.rows[i].summary;
    if (value.count > 0 && std::isfinite(value.mean))
      gains.emplace_back(-gain(value.mean, comparison.goal), i);
  }
  std::ranges::sort(gains);
  if (gains.size() < 2 || gains[0].first == gains[1].first) return std::nullopt;
  return gains[0].second;
}

std::vector<TableCell> reference_row(const SweepLine& line, const std::vector<TableColumn>& columns) {
  std::vector<TableCell> cells(columns.size(), empty_cell());
  cells[0] = {.text = line.label};
  cells[1] = number_cell(decimal_text(line.value), line.value);
  cells[cells.size() - 2] = {.text = "for comparison"};
  return cells;
}

// The first seed of either row at which one of the two has not ended.
std::optional<int64_t> first_open_seed(const ComparedRow& row, const ComparedRow& baseline) {
  std::map<int64_t, int> ends;
  for (const auto* each : {&row.has_ended, &baseline.has_ended})
    for (const auto& [seed, has_ended] : *each) ends[seed] += has_ended ? 1 : 0;
  const auto open = std::ranges::find_if(ends, [](const auto& seed) { return seed.second < 2; });
  return open == ends.end() ? std::nullopt : std::optional(open->first);
}

// Seeds of a claim with an error rate are spent one after another: pairs behind one that has not ended would depend on
// which runs were fast.
SweepClaim judged_pair(const SweepClaim& claim, const ComparedRow& row, const ComparedRow& baseline,
                       const Comparison& comparison, size_t family) {
  const std::vector<double> all = paired_gains(row.values, baseline.values, comparison.goal);
  const auto open = claim.error ? first_open_seed(row, baseline) : std::nullopt;
  if (!open) return judged_claim(claim, all, comparison.goal, family);
  const BySeed before(row.values.begin(), row.values.lower_bound(*open));
  const std::vector<double> gains = paired_gains(before, baseline.values, comparison.goal);
  SweepClaim judged = judged_claim(claim, gains, comparison.goal, family);
  const size_t behind = all.size() - gains.size();
  if (behind > 0)
    judged.finding += fmt::format("; {} {} after seed {} {} once it has ended", behind, behind == 1 ? "pair" : "pairs",
                                  *open, behind == 1 ? "counts" : "count");
  return judged;
}

}  // namespace

std::vector<std::string> comparison_columns(const std::string& metric) {
  std::vector<std::string> titles = {"published", "trials"};
  for (const TableColumn& column : standard_columns(metric, true)) titles.push_back(column.title);
  return titles;
}

std::vector<std::string> comparison_notes(const Comparison& comparison) {
  std::vector<std::string> notes;
  if (comparison.done < comparison.cells)
    notes.push_back(fmt::format("{} of {} cells are done", comparison.done, comparison.cells));
  notes.insert(notes.end(), comparison.registrations.begin(), comparison.registrations.end());
  if (!comparison.searched.empty()) notes.push_back("drawn one after another: " + comparison.searched);
  if (!comparison.tuned_by.empty())
    notes.push_back("settings: the best of each row's trials by " + comparison.tuned_by + ", on seeds of their own");
  if (comparison.of_other_code > 0)
    notes.push_back(fmt::format(
        "{} {} trained under other code ({}); the sweep with --redo trains {} again", comparison.of_other_code,
        comparison.of_other_code == 1 ? "cell was" : "cells were",
        join(std::vector<std::string>(comparison.other_parts.begin(), comparison.other_parts.end()), ", "),
        comparison.of_other_code == 1 ? "it" : "them"));
  for (const SweepRemark& remark : comparison.remarks) notes.push_back(remark.row + ": " + remark.text);
  return notes;
}

Comparison compare(const SweepManifest& sweep, const std::vector<RunSummary>& runs) {
  Comparison comparison{.name = sweep.name, .metric = sweep.metric, .goal = sweep.goal};
  comparison.columns = sweep.columns, comparison.lines = sweep.lines;
  comparison.remarks = sweep.remarks;
  comparison.searched = sweep.searched;
  comparison.code = sweep.code;
  RunsBySeed by_seed;
  for (const RunSummary& run : runs) by_seed[{run.id, run.seed}] = &run;
  std::vector<RowCells> rows;
  std::map<std::string, size_t> row_of_label;
  for (const SweepCell& cell : sweep.cells) {
    if (!cell.trial_of.empty()) continue;
    const auto [row, is_new] = row_of_label.emplace(cell.row, rows.size());
    if (is_new)
      rows.push_back(
          {.row = {.label = cell.row, .baseline = cell.baseline.empty() ? sweep.baseline : cell.baseline}});
    const auto run = by_seed.find({cell.id, cell.seed});
    add_cell(rows[row->second], comparison, cell, run == by_seed.end() ? nullptr : run->second);
  }
  for (RowCells& row : rows) comparison.rows.push_back(finished(std::move(row)));
  comparison.tuned_by = sweep.tuned_by;
  for (ComparedRow& row : comparison.rows) note_trials(row, sweep);
  for (ComparedRow& row : comparison.rows) {
    const ComparedRow* baseline = row_named(comparison, row.baseline);
    row.difference = paired_difference(row.values, baseline == nullptr ? BySeed{} : baseline->values);
  }
  const size_t family = family_size(sweep.claims);
  for (const SweepClaim& claim : sweep.claims) {
    const ComparedRow* row = row_named(comparison, claim.row);
    const ComparedRow* baseline = row == nullptr ? nullptr : row_named(comparison, row->baseline);
    comparison.claims.push_back(baseline == nullptr ? judged_claim(claim, {}, sweep.goal, family)
                                                    : judged_pair(claim, *row, *baseline, comparison, family));
  }
  comparison.registrations = registration_notes(sweep);
  return comparison;
}

Table comparison_table(const Comparison& comparison, bool with_cost) {
  Table table{.columns = standard_columns(comparison.metric, with_cost)};
  auto params = std::ranges::find(table.columns, "params", &TableColumn::title);
  for (const SweepColumn& column : comparison.columns)
    params = table.columns.insert(params, {.title = column.title, .is_number = true}) + 1;
  const bool is_tuned = !comparison.tuned_by.empty();
  if (is_tuned) table.columns.insert(params, {.title = "trials", .is_number = true});
  for (const ComparedRow& row : comparison.rows) {
    std::vector<TableCell> cells = {{.text = row.label}};
    add_value_cells(cells, row);
    for (size_t i = 0; i < comparison.columns.size(); ++i) cells.push_back(shown_cell(row, i));
    if (is_tuned) cells.push_back({std::to_string(row.trials), row.trials});
    cells.push_back(row.parameters > 0 ? TableCell{grouped(row.parameters), row.parameters} : empty_cell());
    if (with_cost) add_cost_cells(cells, row);
    cells.push_back(note_cell(row, comparison.goal));
    cells.push_back(seeds_cell(row));
    table.rows.push_back(std::move(cells));
  }
  table.best = best_row(comparison);
  for (const SweepLine& line : comparison.lines) table.rows.push_back(reference_row(line, table.columns));
  return table;
}

}  // namespace subband
