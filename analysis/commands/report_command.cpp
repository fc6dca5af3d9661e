#include <fmt/format.h>

#include <iostream>

#include "analysis/commands/commands.h"
#include "analysis/comparison.h"
#include "analysis/ledger.h"
#include "analysis/pictures/curves.h"
#include "analysis/published.h"
#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace subband {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

std::string dumped(const Json& document) {
  return document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

// The comparison's table, with what was published of its rows where the sweep says so.
Table table_of(const SweepManifest& sweep, const Comparison& comparison, bool has_cost = true) {
  Table table = comparison_table(comparison, has_cost);
  if (sweep.published.empty()) return table;
  try {
    add_published(table, comparison, read_published(sweep.published));
  } catch (const Error& wrong) {  // the runs are done; the table is worth having without it
    table.notes.push_back(std::string("published = ") + wrong.what());
  }
  return table;
}

Json report_json(const SweepManifest& sweep, const Comparison& comparison, const std::string& picture) {
  Json document = to_json(table_of(sweep, comparison));
  document["sweep"] = comparison.name;
  document["metric"] = {{"name", comparison.metric}, {"goal", comparison.goal}};
  document["cells"] = comparison.cells;
  document["done"] = comparison.done;
  document["failures"] = comparison.failures;
  document["claims"] = Json::array();
  for (const SweepClaim& claim : comparison.claims)
    document["claims"].push_back({{"row", claim.row},
                                  {"is", claim.is},
                                  {"by", claim.by},
                                  {"holds", claim.holds ? Json(*claim.holds) : Json()},
                                  {"found", claim.finding}});
  for (size_t i = 0; i < comparison.rows.size(); ++i) {
    Json seeds = Json::object();
    for (const auto& [seed, value] : comparison.rows[i].values) seeds[std::to_string(seed)] = value;
    document["rows"][i]["seeds"] = std::move(seeds);
  }
  document["picture"] = picture.empty() ? Json() : Json(picture);
  return document;
}

// The picture's path, or an empty text after the reason was told.
std::string picture_of(const Store& store, const SweepManifest& sweep, bool is_quiet) {
  const fs::path svg = sweep_file(store.root(), sweep.name, ".svg");
  const std::string trouble = draw_curves(learning_curves(sweep, store), svg);
  if (trouble.empty()) return svg.string();
  if (!is_quiet) std::cerr << trouble << "\n";
  return "";
}

// The ledger has the sweep's name above; its own heading would be one too many.
std::string ledger_section(const SweepManifest& sweep, const Comparison& comparison) {
  Table table = table_of(sweep, comparison);
  table.title.clear();
  return to_markdown(table);
}

void write_section(const Store& store, const SweepManifest& sweep, const Comparison& comparison,
                   bool is_quiet) {
  write_file(sweep_file(store.root(), sweep.name, ".md"), ledger_section(sweep, comparison));
  for (const std::string& notice : write_ledger(store))
    if (!is_quiet) std::cerr << notice << "\n";
}

SweepManifest manifest_named(const Store& store, const std::string& word) {
  const std::string name = word.ends_with(".yaml") ? fs::path(word).stem().string() : word;
  const fs::path file = sweep_file(store.root(), name, ".json");
  std::error_code none;
  if (fs::is_regular_file(file, none)) return read_sweep_manifest(file);
  std::vector<std::string> known;
  for (const SweepManifest& each : read_sweep_manifests(store.root())) known.push_back(each.name);
  throw ConfigError(store.root().string(),
                    "sweep = " + name + ": has not been run in this store" + suggestion(name, known),
                    "unknown_option");
}

std::string extension_of(const std::string& format) {
  if (format == "latex") return ".tex";
  return format == "text" ? ".txt" : "." + format;
}

struct ReportWords {
  std::vector<std::string> specs, formats;
  bool is_all = false, has_cost = true;
};

// One format goes to stdout, several go to files beside the manifest.
void show(const Store& store, const SweepManifest& sweep, const Comparison& comparison,
          const ReportWords& words) {
  const Table table = table_of(sweep, comparison, words.has_cost);
  if (words.formats.size() == 1) {
    std::cout << format_table(table, words.formats.front());
    return;
  }
  for (const std::string& format : words.formats) {
    const fs::path file = sweep_file(store.root(), sweep.name, ".table" + extension_of(format));
    write_file(file, format_table(table, format));
    std::cout << file.string() << "\n";
  }
}

int carry_out_report(ReportWords words, const CommonOptions& options) {
  const Store store(options.store);
  if (words.specs.empty() != words.is_all)
    throw ConfigError("command line", "name the sweeps to report, or give --all", "syntax");
  if (words.formats.empty()) words.formats = {"text"};
  for (const std::string& format : words.formats)
    format_table({}, format);  // refused before anything is written
  std::vector<SweepManifest> sweeps;
  if (words.is_all) sweeps = read_sweep_manifests(store.root());
  for (const std::string& word : words.specs) sweeps.push_back(manifest_named(store, word));
  const IndexReading index = read_index(store);
  Json document = {{"sweeps", Json::array()}};
  for (const SweepManifest& sweep : sweeps) {
    const Comparison comparison = compare(sweep, index.runs);
    const std::string picture = picture_of(store, sweep, options.quiet);
    write_section(store, sweep, comparison, options.quiet);
    if (options.json) {
      document["sweeps"].push_back(report_json(sweep, comparison, picture));
      continue;
    }
    show(store, sweep, comparison, words);
    if (!picture.empty() && !options.quiet) std::cerr << "learning curves: " << picture << "\n";
  }
  if (options.json) std::cout << dumped(document);
  return 0;
}

}  // namespace

void report_sweep(const Store& store, const SweepManifest& sweep, const CommonOptions& options) {
  const Comparison comparison = compare(sweep, read_index(store).runs);
  const std::string picture = picture_of(store, sweep, options.quiet);
  write_section(store, sweep, comparison, options.quiet);
  if (options.json) {
    std::cout << dumped(report_json(sweep, comparison, picture));
    return;
  }
  std::cout << to_terminal(table_of(sweep, comparison));
  if (options.quiet) return;
  for (const std::string& failure : comparison.failures) std::cerr << "✗ " << failure << "\n";
  if (!picture.empty()) std::cerr << "learning curves: " << picture << "\n";
  std::cerr << "ledger: " << (store.root() / "runs.md").string() << "\n";
}

int command_report(Arguments arguments) {
  CommandLine line(
      "report",
      "Tables and learning curves of sweeps, from the records in the store; trains nothing.\n"
      "SPEC is a sweep's name. One format goes to stdout, several go to files beside the sweep's manifest.",
      "subband report quickstart --format md");
  ReportWords words;
  bool without_cost = false;
  line.app().add_option("SPEC", words.specs, "sweeps that were run in this store");
  line.app().add_flag("--all", words.is_all, "every sweep of the store");
  line.app()
      .add_option("--format", words.formats, "text, md, html, latex, csv, json; several with commas")
      ->delimiter(',')
      ->allow_extra_args(false);
  line.app().add_flag("--without-cost", without_cost,
                      "leave out time and memory, which no two machines share");
  return line.run(arguments, [&] {
    words.has_cost = !without_cost;
    return carry_out_report(words, line.options());
  });
}

}  // namespace subband
