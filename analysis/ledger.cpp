#include "analysis/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "analysis/format.h"
#include "analysis/sweep_report.h"
#include "core/error.h"
#include "core/files.h"
#include "core/languages/numbers.h"
#include "core/languages/terminal.h"
#include "core/text.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

using RunKey = std::pair<std::string, int64_t>;  // identity, seed
using RunsByKey = std::map<RunKey, const RunSummary*>;

std::optional<double> metric_of(const RunSummary& run, const std::string& metric) {
  const auto found = run.metrics.find(metric);
  return found == run.metrics.end() ? std::nullopt : std::optional(found->second);
}

TableCell metric_cell(const RunSummary& run, const std::string& metric) {
  const auto value = metric_of(run, metric);
  if (value && run.status == Status::done) return number_cell(decimal_text(*value), *value);
  if (run.status == Status::done) return empty_cell();
  return cell_of({{word_of(run.status), Look::strong}, {" at step " + std::to_string(run.step)}});
}

std::string time_of(const RunSummary& run) {
  return duration_text(metric_of(run, "train.seconds").value_or(run.seconds));
}

std::string memory_of(const RunSummary& run) {
  const auto peak = metric_of(run, "train.peak_mib");
  return peak ? mib_text(*peak) : "–";
}

std::string notes_of(const RunSummary& run) {
  std::string notes = run.message;
  if (run.resumes > 0)
    notes += std::string(notes.empty() ? "" : "; ") + "resumed " + std::to_string(run.resumes) +
             (run.resumes == 1 ? " time" : " times");
  return notes;
}

TableCell link_cell(const RunSummary& run) {
  const std::string name = run.id.substr(0, 8) + "-s" + std::to_string(run.seed);
  return cell_of({{.text = name, .link = run.folder + "/"}});
}

// `a.b=c` is the setting `a.b` with the value `c`; several stand in one cell, each on a line.
std::pair<TableCell, TableCell> setting_and_value(const std::vector<std::string>& overrides) {
  if (overrides.empty()) return {empty_cell(), empty_cell()};
  std::vector<Span> settings, values;
  for (const std::string& override : overrides) {
    const size_t equals = override.find('=');
    const bool is_last = &override == &overrides.back();
    settings.push_back({.text = override.substr(0, equals), .look = Look::code, .ends_line = !is_last});
    const bool has_value = equals != std::string::npos;
    values.push_back({.text = has_value ? override.substr(equals + 1) : "–",
                      .look = has_value ? Look::code : Look::plain,
                      .ends_line = !is_last});
  }
  return {cell_of(std::move(settings)), cell_of(std::move(values))};
}

TableCell delta_cell(const RunSummary* run, const RunSummary* baseline, const std::string& metric) {
  if (run == nullptr || baseline == nullptr || run == baseline) return empty_cell();
  if (run->status != Status::done || baseline->status != Status::done) return empty_cell();
  const auto value = metric_of(*run, metric);
  const auto reference = metric_of(*baseline, metric);
  if (!value || !reference) return empty_cell();
  const double difference = *value - *reference;
  const std::string sign = std::isnan(difference) ? "" : difference < 0 ? "-" : "+";
  return number_cell(sign + decimal_text(std::abs(difference)), difference);
}

Table runs_table(const std::string& metric) {
  Table table;
  for (const char* title : {"run", "setting", "value", "folder"}) table.columns.push_back({.title = title});
  for (const std::string& title :
       {metric, std::string("params"), std::string("time"), std::string("memory"), std::string("delta")})
    table.columns.push_back({.title = title, .is_number = true});
  table.columns.push_back({.title = "notes"});
  return table;
}

class LedgerPage {
 public:
  LedgerPage(const Store& store, const std::vector<RunSummary>& runs) : store_(store), runs_(runs) {
    for (const RunSummary& run : runs) by_key_[{run.id, run.seed}] = &run;
  }

  Report report(const std::vector<SweepManifest>& sweeps) {
    report_.blocks.push_back(Paragraph{{{"Generated from the records in this folder; edits are lost."}}});
    for (const SweepManifest& sweep : sweeps) add_sweep(sweep);
    add_others();
    return std::move(report_);
  }

 private:
  const RunSummary* find(const std::string& id, int64_t seed) const {
    const auto found = by_key_.find({id, seed});
    return found == by_key_.end() ? nullptr : found->second;
  }

  void add_sweep(const SweepManifest& sweep) {
    report_.blocks.push_back(Heading{sweep.name});
    report_.blocks.push_back(counts(sweep));
    SweepReportChoice choice;
    std::error_code none;
    if (const fs::path picture = sweep_file(store_.root(), sweep.name, ".svg");
        fs::is_regular_file(picture, none))
      choice = {.picture = picture, .link = "sweeps/" + picture.filename().string()};
    for (ReportBlock& block : sweep_report(sweep, compare(sweep, runs_), choice).blocks)
      report_.blocks.push_back(std::move(block));
    std::map<std::pair<std::string, int64_t>, const RunSummary*> by_row;
    for (const SweepCell& cell : sweep.cells) by_row[{cell.row, cell.seed}] = find(cell.id, cell.seed);
    Table table = runs_table(sweep.metric);
    for (const SweepCell& cell : sweep.cells)
      add_cell(table, sweep, cell,
               by_row[{cell.baseline.empty() ? sweep.baseline : cell.baseline, cell.seed}]);
    report_.blocks.push_back(std::move(table));
  }

  Paragraph counts(const SweepManifest& sweep) const {
    std::map<std::string, int64_t> by_status;
    for (const SweepCell& cell : sweep.cells) {
      const RunSummary* run = find(cell.id, cell.seed);
      ++by_status[run ? word_of(run->status) : "not run"];
    }
    std::vector<std::string> words;
    if (by_status.contains("done")) words.push_back(std::to_string(by_status["done"]) + " done");
    for (const auto& [status, number] : by_status)
      if (status != "done") words.push_back(std::to_string(number) + " " + status);
    return {{{sweep.spec, Look::code},
             {", metric "},
             {sweep.metric, Look::code},
             {" (" + sweep.goal + "), " + std::to_string(sweep.cells.size()) +
              " cells: " + join(words, ", ") + "."}}};
  }

  void add_cell(Table& table, const SweepManifest& sweep, const SweepCell& cell, const RunSummary* baseline) {
    const RunSummary* run = find(cell.id, cell.seed);
    if (run) in_sweep_.insert({cell.id, cell.seed});
    auto [setting, value] = setting_and_value(cell.overrides);
    table.rows.push_back(
        {{.text = cell.row + ", seed " + std::to_string(cell.seed)}, std::move(setting), std::move(value)});
    add_run(table.rows.back(), run, sweep.metric, delta_cell(run, baseline, sweep.metric));
  }

  static void add_run(std::vector<TableCell>& row, const RunSummary* run, const std::string& metric,
                      TableCell delta) {
    if (run == nullptr) {
      row.insert(
          row.end(),
          {empty_cell(), {.text = "not run"}, empty_cell(), empty_cell(), empty_cell(), empty_cell(), {}});
      return;
    }
    row.insert(row.end(), {link_cell(*run),
                           metric_cell(*run, metric),
                           {.text = grouped(run->parameters)},
                           {.text = time_of(*run)},
                           {.text = memory_of(*run)},
                           std::move(delta),
                           {.text = notes_of(*run)}});
  }

  void add_others() {
    Table table = runs_table("metric");
    for (const RunSummary& run : runs_) {
      if (in_sweep_.contains({run.id, run.seed})) continue;
      const std::string metric = leading_metric(run.metrics);
      const std::string name =
          run.recipe.empty() ? run.folder : run.recipe + ", seed " + std::to_string(run.seed);
      const bool has_metric = !metric.empty();
      table.rows.push_back({{.text = name},
                            has_metric ? TableCell{.text = "metric"} : empty_cell(),
                            has_metric ? cell_of({{metric, Look::code}}) : empty_cell()});
      add_run(table.rows.back(), &run, metric, empty_cell());
    }
    if (table.rows.empty()) return;
    report_.blocks.push_back(Heading{"Runs outside of sweeps"});
    report_.blocks.push_back(std::move(table));
  }

  const Store& store_;
  const std::vector<RunSummary>& runs_;
  RunsByKey by_key_;
  std::set<RunKey> in_sweep_;
  Report report_{.title = "Runs", .is_page = true};
};

}  // namespace

Report ledger_report(const Store& store, const std::vector<RunSummary>& runs,
                     const std::vector<SweepManifest>& sweeps) {
  return LedgerPage(store, runs).report(sweeps);
}

std::vector<std::string> write_ledger(const Store& store) {
  std::vector<std::string> notices;
  try {
    IndexReading index = read_index(store);
    ManifestReading sweeps = read_sweep_manifests(store.root());
    notices = std::move(index.notices);
    notices.insert(notices.end(), sweeps.notices.begin(), sweeps.notices.end());
    write_file(store.root() / "runs.md",
               make_format("md")->write(ledger_report(store, index.runs, sweeps.sweeps)));
  } catch (const Error& error) {  // what was done is done; the page can be written again
    notices.push_back(error.what());
  }
  return notices;
}

void update_ledger(const ChangedStore& changed) {
  if (!changed.root) return;
  for (const std::string& notice : write_ledger(Store(*changed.root)))
    if (!changed.quiet) std::cerr << shown_message(notice) << "\n";
}

}  // namespace subband
