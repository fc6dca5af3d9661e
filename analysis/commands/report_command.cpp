#include <algorithm>
#include <iostream>

#include "analysis/commands/commands.h"
#include "analysis/format.h"
#include "analysis/ledger.h"
#include "analysis/pictures/curves.h"
#include "analysis/sweep_report.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/languages/json.h"
#include "core/languages/terminal.h"
#include "core/program/command_table.h"
#include "core/text.h"

namespace subband {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

// What a sweep shows, and where its picture lies.
struct ReportedSweep {
  SweepManifest sweep;
  Comparison comparison;
  fs::path picture;                  ///< empty: there is none
  std::vector<std::string> notices;  ///< what could not be drawn or written
};

void say(const std::vector<std::string>& lines, const CommonOptions& options) {
  if (options.quiet) return;
  for (const std::string& line : lines) std::cerr << shown_message(line) << "\n";
}

void draw_picture(const Store& store, ReportedSweep& reported) {
  const fs::path svg = sweep_file(store.root(), reported.sweep.name, ".svg");
  const std::string trouble = draw_curves(learning_curves(reported.sweep, store), svg);
  if (trouble.empty())
    reported.picture = svg;
  else
    reported.notices.push_back(trouble);
}

// Below the sweep's own name there is no second heading.
void write_section(const Store& store, ReportedSweep& reported) {
  Report section = sweep_report(reported.sweep, reported.comparison);
  section.title.clear();
  try {
    write_file(sweep_file(store.root(), reported.sweep.name, ".md"), make_format("md")->write(section));
  } catch (const Error& error) {  // a store that may only be read
    reported.notices.push_back(error.what());
  }
}

SweepManifest manifest_named(const Store& store, const std::string& word) {
  const std::string name = word.ends_with(".yaml") ? sweep_name(store.root(), word) : word;
  std::error_code none;
  if (const fs::path file = sweep_file(store.root(), name, ".json"); fs::is_regular_file(file, none))
    return read_sweep_manifest(file);
  std::vector<std::string> known;
  for (const SweepManifest& each : read_sweep_manifests(store.root()).sweeps) known.push_back(each.name);
  throw ConfigError(store.root().string(),
                    "sweep = " + name + ": has not been run in this store" + suggestion(name, known),
                    "unknown_option");
}

struct ReportWords {
  std::vector<std::string> specs, formats;
  bool is_all = false, has_cost = true;
};

Report report_of(const ReportedSweep& reported, bool has_cost, const std::string& link = "") {
  return sweep_report(reported.sweep, reported.comparison,
                      {.has_cost = has_cost, .picture = reported.picture, .link = link});
}

// One format goes to stdout, several go to files in `<store>/reports`, from where the picture lies beside.
void show(const Store& store, ReportedSweep& reported, const ReportWords& words) {
  if (words.formats.size() == 1) {
    std::cout
        << make_format(words.formats.front(), standard_output())->write(report_of(reported, words.has_cost));
    return;
  }
  const std::string link =
      reported.picture.empty() ? "" : "../sweeps/" + reported.picture.filename().string();
  const Report report = report_of(reported, words.has_cost, link);
  for (const std::string& name : words.formats) {
    const auto format = make_format(name);
    const fs::path file = report_file(store.root(), reported.sweep.name, format->extension());
    write_file(file, format->write(report));
    std::cout << file.string() << "\n";
  }
}

Json report_json(const ReportedSweep& reported) {
  return read_json(make_format("json")->write(report_of(reported, true)), "report");
}

// The sweeps that are asked for; damaged ones are named and left out where all are.
std::vector<SweepManifest> chosen_sweeps(const Store& store, const ReportWords& words,
                                         const CommonOptions& options) {
  std::vector<SweepManifest> sweeps;
  if (words.is_all) {
    ManifestReading reading = read_sweep_manifests(store.root());
    say(reading.notices, options);
    sweeps = std::move(reading.sweeps);
  }
  for (const std::string& word : words.specs) sweeps.push_back(manifest_named(store, word));
  return sweeps;
}

int carry_out_report(ReportWords words, const CommonOptions& options) {
  const Store store(options.store);
  if (words.specs.empty() != words.is_all)
    throw ConfigError("command line", "name the sweeps to report, or give --all", "syntax");
  if (words.formats.empty()) words.formats = {"text"};
  for (const std::string& format : words.formats) make_format(format);  // refused before anything is written
  const std::vector<SweepManifest> sweeps = chosen_sweeps(store, words, options);
  const IndexReading index = read_index(store);
  Json document = {{"sweeps", Json::array()}};
  std::vector<ReportedSweep> reports;
  for (const SweepManifest& sweep : sweeps) {
    ReportedSweep& reported = reports.emplace_back(sweep, compare(sweep, index.runs));
    const bool needs_picture = options.json || words.formats.size() > 1;  // which name it
    if (needs_picture) draw_picture(store, reported);
    if (options.json)
      document["sweeps"].push_back(report_json(reported));
    else
      show(store, reported, words);
    if (!needs_picture) std::cout.flush(), draw_picture(store, reported);
    write_section(store, reported);
    say(reported.notices, options);
    if (!options.json && !reported.picture.empty())
      say({"learning curves: " + reported.picture.string()}, options);
  }
  if (options.json) std::cout << json_document(document) << "\n";
  std::cout.flush();
  say(write_ledger(store), options);
  return 0;
}

}  // namespace

void report_sweep(const Store& store, const SweepManifest& sweep, const CommonOptions& options) {
  ReportedSweep reported{sweep, compare(sweep, read_index(store).runs)};
  if (options.json) {
    draw_picture(store, reported);
    std::cout << json_document(report_json(reported)) << "\n" << std::flush;
  } else {
    std::cout << make_format("text", standard_output())->write(report_of(reported, true)) << std::flush;
    draw_picture(store, reported);
  }
  write_section(store, reported);
  const std::vector<std::string> ledger = write_ledger(store);
  reported.notices.insert(reported.notices.end(), ledger.begin(), ledger.end());
  if (options.json) return say(reported.notices, options);
  std::vector<std::string> lines;
  constexpr size_t kMost = 20;
  const auto& failures = reported.comparison.failures;
  for (size_t i = 0; i < std::min(kMost, failures.size()); ++i) lines.push_back("✗ " + failures[i]);
  if (failures.size() > kMost) lines.push_back("✗ and " + std::to_string(failures.size() - kMost) + " more");
  lines.insert(lines.end(), reported.notices.begin(), reported.notices.end());
  if (!reported.picture.empty()) lines.push_back("learning curves: " + reported.picture.string());
  if (ledger.empty()) lines.push_back("ledger: " + (store.root() / "runs.md").string());
  say(lines, options);
}

int command_report(Arguments arguments) {
  CommandLine line("report",
                   "Tables and learning curves of sweeps, from the records in the store; trains nothing.\n"
                   "SPEC is a sweep's name. One format goes to stdout, several go to files in STORE/reports.",
                   "subband report quickstart --format md");
  ReportWords words;
  bool without_cost = false;
  line.app().add_option("SPEC", words.specs, "sweeps that were run in this store");
  line.app().add_flag("--all", words.is_all, "every sweep of the store");
  line.app()
      .add_option("--format", words.formats, join(format_names(), ", ") + "; several with commas")
      ->delimiter(',')
      ->allow_extra_args(false);
  line.app().add_flag("--without-cost", without_cost,
                      "leave out time and memory, which no two machines share");
  return line.run(arguments, [&] {
    words.has_cost = !without_cost;
    return carry_out_report(words, line.options());
  });
}

namespace commands {

void add_report(CommandTable& table) {
  table.push_back({"report", "tables and learning curves of sweeps", {"sweep…"}, command_report});
}

}  // namespace commands

}  // namespace subband
