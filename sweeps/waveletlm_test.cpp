// The sweeps that repeat the ledger of WaveletLM: every published run has a cell, every cell its parameters.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "core/config/compose.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "core/text.h"
#include "experiments/load_recipe.h"
#include "experiments/parts.h"
#include "sweeps/launcher.h"
#include "sweeps/spec/cells.h"

namespace waveletlm_sweeps_test {
using namespace subband;
namespace fs = std::filesystem;

using Record = std::map<std::string, std::string>;  // column -> field

// Fields may stand in quotes; none of them spans lines.
std::vector<std::string> fields(const std::string& line) {
  std::vector<std::string> out(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"')
      quoted = !quoted;
    else if (c == ',' && !quoted)
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

std::vector<Record> read_records(const fs::path& file) {
  std::vector<Record> records;
  std::vector<std::string> columns;
  for (const std::string& line : split(read_file(file), '\n')) {
    if (line.empty() || line.starts_with('#')) continue;
    const std::vector<std::string> values = fields(line);
    if (columns.empty()) {
      columns = values;
      continue;
    }
    REQUIRE(values.size() == columns.size());
    Record record;
    for (size_t i = 0; i < columns.size(); ++i) record[columns[i]] = values[i];
    records.push_back(std::move(record));
  }
  return records;
}

std::vector<std::string> section_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(program_root() / "sweeps/waveletlm"))
    names.push_back("waveletlm/" + entry.path().stem().string());
  std::ranges::sort(names);
  return names;
}

fs::path published_file(const std::string& name) {
  return program_root() / "analysis/published" / (name + ".csv");
}

std::vector<config::GroupFolder> program_folders() {
  Registry registry;
  register_parts(registry);
  register_sweeps_parts(registry);
  return config::standard_folders(program_root(), registry.groups(), {});
}

SweepSpec section(const std::string& name) {
  const auto composed = config::compose({.primary = name, .folders = program_folders(), .group = "sweep"});
  return bind_sweep(name, composed.config);
}

TEST_CASE("every row of the ledger's sweeps has the published parameters", "[waveletlm_sweeps]") {
  Registry registry;
  register_parts(registry);
  const auto folders = program_folders();
  config::SearchPath search(folders, &registry, "recipe");
  for (const std::string& name : section_names()) {
    const SweepSpec spec = section(name);
    CHECK(spec.published == name);
    const SweepGrid grid = expand(spec);
    std::map<std::string, int64_t> counted;
    for (const SweepRow& row : grid.rows) {
      INFO(name << ": " << row.label);
      const auto composed = config::compose(
          recipe_request(registry, row.recipe, cell_overrides(spec, row, 1337, {}), folders), search);
      counted[row.label] =
          parameter_count(*make_meta_net(bind_recipe(registry, row.recipe, composed.config)));
    }
    for (const Record& run : read_records(published_file(name))) {
      INFO(name << ": " << run.at("row") << " of " << run.at("run_id"));
      REQUIRE(counted.contains(run.at("row")));
      if (run.at("params").empty()) continue;
      const int64_t published = parse_integer(run.at("params")).value();
      const int64_t unit = published % 10'000 == 0 ? 10'000 : 1;  // one row is published in round figures
      CHECK((counted.at(run.at("row")) + unit / 2) / unit * unit == published);
    }
  }
}

// The recipes of May end here; what follows needs parts that the release does not have.
constexpr const char* kFirstLater = "wikitext-103_2026-05-10_19-36-28";

bool is_of_a_removed_feature(const Record& run) {
  return run.at("change").find("removed") != std::string::npos;
}

TEST_CASE("every run of the published ledger up to May has a row", "[waveletlm_sweeps]") {
  const char* shared = std::getenv("SUBBAND_SHARED");
  const fs::path ledger =
      (shared ? fs::path(shared) : program_root() / "../shared") / "reference/waveletlm_runs.csv";
  if (!fs::exists(ledger)) {
    WARN("skipped: " << ledger.string() << " is not there");
    return;
  }
  std::map<std::string, Record> ours;
  for (const std::string& name : section_names())
    for (const Record& run : read_records(published_file(name))) ours[run.at("run_id")] = run;
  size_t checked = 0;
  for (const Record& run : read_records(ledger)) {
    if (run.at("run_id") == kFirstLater) break;
    if (is_of_a_removed_feature(run)) continue;
    INFO(run.at("run_id") << " " << run.at("change"));
    REQUIRE(ours.contains(run.at("run_id")));
    for (const char* column : {"params", "epochs", "val_loss", "bpb", "ppl"})
      CHECK(ours.at(run.at("run_id")).at(column) == run.at(column));
    ++checked;
  }
  CHECK(checked > 130);
}

}  // namespace waveletlm_sweeps_test
