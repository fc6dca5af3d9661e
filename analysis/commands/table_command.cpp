// subband table: a published table with our cells beside theirs.
#include <iostream>

#include "analysis/commands/commands.h"
#include "analysis/format.h"
#include "analysis/published.h"
#include "core/error.h"
#include "core/languages/json.h"
#include "core/program/command_table.h"
#include "core/text.h"
#include "runs/index.h"

namespace subband {

namespace {

// The sweep of this store that repeats the table: by what it says itself, the newest where several do.
std::optional<SweepManifest> sweep_repeating(const Store& store, const std::string& name) {
  std::optional<SweepManifest> found;
  for (SweepManifest& sweep : read_sweep_manifests(store.root()).sweeps)
    if (sweep.published == name) found = std::move(sweep);
  return found;
}

void list_published(bool json) {
  const std::vector<std::string> names = published_tables();
  if (json) {
    std::cout << json_document({{"tables", names}}) << "\n";
    return;
  }
  for (const std::string& name : names) std::cout << name << "\n";
}

}  // namespace

int command_table(Arguments arguments) {
  CommandLine line(
      "table",
      "A published table, with our cells beside theirs where a sweep of this store repeats them.\n"
      "Without NAME: the tables that there are.",
      "subband table waveletlm/03_booleans --format md");
  std::string name, format = "text", metric;
  line.app().add_option("NAME", name, "a published table");
  line.app().add_option("--format", format, join(format_names(), ", "))->capture_default_str();
  line.app().add_option("--metric", metric,
                        "test.bpb_sliding, test.ppl_sliding or valid.loss; default: the sweep's");
  return line.run(arguments, [&] {
    const Store store(line.options().store);
    if (name.empty()) return list_published(line.options().json), 0;
    const PublishedTable published = read_published(name);
    const auto sweep = sweep_repeating(store, name);
    std::optional<Comparison> ours;
    if (sweep) {
      SweepManifest judged = *sweep;
      if (!metric.empty()) judged.metric = metric;
      ours = compare(judged, read_index(store).runs);
    }
    const std::string shown = !metric.empty() ? metric : sweep ? sweep->metric : "test.bpb_sliding";
    const auto writer = make_format(line.options().json ? "json" : format, standard_output());
    std::cout << writer->write(published_report(published, ours ? &*ours : nullptr, shown));
    return 0;
  });
}

namespace commands {

void add_table(CommandTable& table) {
  table.push_back({"table", "a published table with our cells beside theirs", {}, command_table});
}

}  // namespace commands

}  // namespace subband
