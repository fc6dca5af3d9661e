#include "analysis/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "core/files.h"
#include "core/text.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

constexpr const char* kLedgerColumns =
    "| run | setting | value | folder | {} | params | time | memory | delta | notes |\n"
    "|---|---|---|---|--:|--:|--:|--:|--:|---|\n";

using RunKey = std::pair<std::string, int64_t>;  // identity, seed
using RunsByKey = std::map<RunKey, const RunSummary*>;

std::string cell_text(const std::string& text) {
  std::string out;
  for (const char letter : text) {
    if (letter == '|')
      out += "\\|";
    else
      out += letter == '\n' ? ' ' : letter;
  }
  return out;
}

std::optional<double> metric_of(const RunSummary& run, const std::string& metric) {
  const auto found = run.metrics.find(metric);
  return found == run.metrics.end() ? std::nullopt : std::optional(found->second);
}

std::string metric_text(const RunSummary& run, const std::string& metric) {
  const auto value = metric_of(run, metric);
  if (value && run.status == "done") return fmt::format("{:.4f}", *value);
  return run.status == "done" ? "–" : "**" + run.status + "** at step " + std::to_string(run.step);
}

std::string time_of(const RunSummary& run) {
  return duration_text(metric_of(run, "train.seconds").value_or(run.seconds));
}

std::string memory_of(const RunSummary& run) {
  const auto peak = metric_of(run, "train.peak_mib");
  return peak ? fmt::format("{:.0f} MiB", *peak) : "–";
}

std::string notes_of(const RunSummary& run) {
  std::string notes = run.message;
  if (run.resumes > 0)
    notes += std::string(notes.empty() ? "" : "; ") + "resumed " + std::to_string(run.resumes) +
             (run.resumes == 1 ? " time" : " times");
  return notes;
}

std::string link_of(const RunSummary& run) {
  return "[" + run.id.substr(0, 8) + "-s" + std::to_string(run.seed) + "](" + run.folder + "/)";
}

// `a.b=c` is the setting `a.b` with the value `c`; several stand in one cell each.
std::pair<std::string, std::string> setting_and_value(const std::vector<std::string>& overrides) {
  std::vector<std::string> settings, values;
  for (const std::string& override : overrides) {
    const size_t equals = override.find('=');
    settings.push_back("`" + override.substr(0, equals) + "`");
    values.push_back(equals == std::string::npos ? "–" : "`" + override.substr(equals + 1) + "`");
  }
  if (settings.empty()) return {"–", "–"};
  return {join(settings, "<br>"), join(values, "<br>")};
}

std::string delta_text(const RunSummary* run, const RunSummary* baseline, const std::string& metric) {
  if (run == nullptr || baseline == nullptr || run == baseline) return "–";
  if (run->status != "done" || baseline->status != "done") return "–";
  const auto value = metric_of(*run, metric);
  const auto reference = metric_of(*baseline, metric);
  return value && reference ? fmt::format("{:+.4f}", *value - *reference) : "–";
}

std::string file_or_nothing(const fs::path& file) {
  std::error_code none;
  return fs::is_regular_file(file, none) ? read_file(file) : "";
}

class LedgerPage {
 public:
  LedgerPage(const Store& store, const std::vector<RunSummary>& runs) : store_(store), runs_(runs) {
    for (const RunSummary& run : runs) by_key_[{run.id, run.seed}] = &run;
  }

  std::string text(const std::vector<SweepManifest>& sweeps) {
    page_ = "# Runs\n\nGenerated from the records in this folder; edits are lost.\n";
    for (const SweepManifest& sweep : sweeps) add_sweep(sweep);
    add_others();
    return std::move(page_);
  }

 private:
  const RunSummary* find(const std::string& id, int64_t seed) const {
    const auto found = by_key_.find({id, seed});
    return found == by_key_.end() ? nullptr : found->second;
  }

  void add_sweep(const SweepManifest& sweep) {
    page_ += "\n## " + sweep.name + "\n\n" + counts(sweep) + "\n";
    const std::string body = file_or_nothing(sweep_file(store_.root(), sweep.name, ".md"));
    if (!body.empty()) page_ += "\n" + std::string(trim(body)) + "\n";
    const fs::path picture = sweep_file(store_.root(), sweep.name, ".svg");
    std::error_code none;
    if (fs::is_regular_file(picture, none))
      page_ += "\n![learning curves of " + sweep.name + "](sweeps/" + picture.filename().string() + ")\n";
    page_ += "\n" + fmt::format(fmt::runtime(kLedgerColumns), cell_text(sweep.metric));
    std::map<std::pair<std::string, int64_t>, const RunSummary*> by_row;
    for (const SweepCell& cell : sweep.cells) by_row[{cell.row, cell.seed}] = find(cell.id, cell.seed);
    for (const SweepCell& cell : sweep.cells)
      add_cell(sweep, cell, by_row[{cell.baseline.empty() ? sweep.baseline : cell.baseline, cell.seed}]);
  }

  std::string counts(const SweepManifest& sweep) const {
    std::map<std::string, int64_t> by_status;
    for (const SweepCell& cell : sweep.cells) {
      const RunSummary* run = find(cell.id, cell.seed);
      ++by_status[run ? run->status : "not run"];
    }
    std::vector<std::string> words;
    if (by_status.contains("done")) words.push_back(std::to_string(by_status["done"]) + " done");
    for (const auto& [status, number] : by_status)
      if (status != "done") words.push_back(std::to_string(number) + " " + status);
    return "`" + sweep.spec + "`, metric `" + sweep.metric + "` (" + sweep.goal + "), " +
           std::to_string(sweep.cells.size()) + " cells: " + join(words, ", ") + ".";
  }

  void add_cell(const SweepManifest& sweep, const SweepCell& cell, const RunSummary* baseline) {
    const RunSummary* run = find(cell.id, cell.seed);
    if (run) in_sweep_.insert({cell.id, cell.seed});
    const auto [setting, value] = setting_and_value(cell.overrides);
    add_line(cell.row + ", seed " + std::to_string(cell.seed), setting, value, run, sweep.metric,
             delta_text(run, baseline, sweep.metric));
  }

  void add_line(const std::string& name, const std::string& setting, const std::string& value,
                const RunSummary* run, const std::string& metric, const std::string& delta) {
    page_ += "| " + cell_text(name) + " | " + cell_text(setting) + " | " + cell_text(value) + " | ";
    if (run == nullptr) {
      page_ += "– | not run | – | – | – | – | |\n";
      return;
    }
    page_ += link_of(*run) + " | " + metric_text(*run, metric) + " | " + grouped(run->parameters) + " | " +
             time_of(*run) + " | " + memory_of(*run) + " | " + delta + " | " + cell_text(notes_of(*run)) +
             " |\n";
  }

  void add_others() {
    bool is_first = true;
    for (const RunSummary& run : runs_) {
      if (in_sweep_.contains({run.id, run.seed})) continue;
      if (is_first)
        page_ += "\n## Runs outside of sweeps\n\n" + fmt::format(fmt::runtime(kLedgerColumns), "metric");
      is_first = false;
      const std::string metric = leading_metric(run.metrics);
      const std::string name =
          run.recipe.empty() ? run.folder : run.recipe + ", seed " + std::to_string(run.seed);
      add_line(name, metric.empty() ? "–" : "metric", metric.empty() ? "–" : "`" + metric + "`", &run, metric,
               "–");
    }
  }

  const Store& store_;
  const std::vector<RunSummary>& runs_;
  RunsByKey by_key_;
  std::set<RunKey> in_sweep_;
  std::string page_;
};

}  // namespace

std::string ledger_markdown(const Store& store, const std::vector<RunSummary>& runs,
                            const std::vector<SweepManifest>& sweeps) {
  return LedgerPage(store, runs).text(sweeps);
}

std::vector<std::string> write_ledger(const Store& store) {
  const IndexReading reading = read_index(store);
  write_file(store.root() / "runs.md",
             ledger_markdown(store, reading.runs, read_sweep_manifests(store.root())));
  return reading.notices;
}

void update_ledger(const ChangedStore& changed) {
  if (!changed.root) return;
  for (const std::string& notice : write_ledger(Store(*changed.root)))
    if (!changed.quiet) std::cerr << notice << "\n";
}

}  // namespace subband
