#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <iostream>

#include "core/error.h"
#include "core/languages/json.h"
#include "core/languages/terminal.h"
#include "core/program/command_table.h"
#include "core/text.h"
#include "runs/commands/commands.h"
#include "runs/commands/listing.h"
#include "runs/commands/run_page.h"
#include "runs/commands/store_commands.h"
#include "runs/commands/verify.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

constexpr const char* kRunsHelp =
    "the ledger of a store\n\n"
    "  subband runs list      runs, one a line; filters by recipe, status and config\n"
    "  subband runs show      one run: metrics, curve, notes, provenance, config\n"
    "  subband runs diff      what differs between two runs: config, parts, data files, metrics\n"
    "  subband runs verify    reads every line of every record against its checksum\n"
    "  subband runs reindex   makes index.sqlite and runs.md anew from the records\n"
    "  subband runs du        what runs take on the disk\n"
    "  subband runs rm        removes runs, or some of their checkpoints\n"
    "  subband runs merge     brings another store's runs into this one\n\n"
    "Example\n  subband runs list --recipe tinyshakespeare --sort metric --limit 10\n";

void print_json(const RecordJson& document) { std::cout << json_document(document) << "\n"; }

void say_notices(const std::vector<std::string>& notices, const CommonOptions& options) {
  if (options.quiet) return;
  for (const std::string& notice : notices) std::cerr << shown_message(notice) << "\n";
}

Store existing_store(const CommonOptions& options) {
  if (!fs::is_directory(options.store))
    throw Error(options.store.string(), "store: does not exist; the first run makes it: subband run RECIPE");
  return Store(options.store);
}

int runs_list(Arguments arguments) {
  CommandLine line("runs list", "Lists runs, oldest first.",
                   "subband runs list --where net.width=64 --metric valid.bpb");
  ListingOptions wanted;
  line.app().add_option("--recipe", wanted.recipe, "only recipes whose name contains this");
  line.app().add_option("--status", wanted.status,
                        "only this status: done, running, interrupted, stopped, nan, ...");
  line.app()
      .add_option("--where", wanted.where, "KEY=VALUE of the resolved config; may be repeated")
      ->allow_extra_args(false);
  line.app().add_option("--metric", wanted.metric, "metric to show");
  line.app()
      .add_option("--sort", wanted.sort, "started, or metric: smallest first")
      ->check(CLI::IsMember({"started", "metric"}));
  line.app().add_option("--limit", wanted.limit, "at most so many")->check(above_zero());
  return line.run(arguments, [&] {
    IndexReading reading = read_index(existing_store(line.options()), {.configs = false, .code = false, .leaves = true});
    const std::vector<RunSummary> runs = select_runs(std::move(reading.runs), wanted);
    say_notices(reading.notices, line.options());
    if (line.options().json) {
      RecordJson document = {{"runs", RecordJson::array()}};
      for (const RunSummary& run : runs) document["runs"].push_back(summary_json(run));
      print_json(document);
    } else {
      std::cout << listing_text(runs, wanted.metric, terminal_columns(STDOUT_FILENO).value_or(SIZE_MAX));
    }
    return 0;
  });
}

RunRecord read_run(const fs::path& folder) {
  RunRecord run = read_record(folder / kRecordName);
  if (run.status == Status::running && !is_being_written(folder / kRecordName))
    run.status = Status::interrupted;
  return run;
}

int runs_show(Arguments arguments) {
  CommandLine line("runs show", "Shows one run.", "subband runs show 3f2a91bc-s1337");
  std::string name;
  line.app().add_option("RUN", name, "a run's folder, or the start of its name or identity")->required();
  return line.run(arguments, [&] {
    const fs::path folder = existing_store(line.options()).resolve(name);
    const RunRecord run = read_run(folder);
    if (line.options().json)
      print_json(run_json(folder.string(), run));
    else
      std::cout << run_page(folder.string(), run);
    return 0;
  });
}

int runs_diff(Arguments arguments) {
  CommandLine line("runs diff", "Shows what differs between two runs.",
                   "subband runs diff 3f2a91bc 77ab03de");
  std::string first, second;
  line.app().add_option("FIRST", first, "a run")->required();
  line.app().add_option("SECOND", second, "another one")->required();
  return line.run(arguments, [&] {
    const Store store = existing_store(line.options());
    const RecordJson difference =
        run_difference(read_run(store.resolve(first)), read_run(store.resolve(second)));
    if (line.options().json)
      print_json({{"differences", difference}});
    else
      std::cout << difference_text(difference);
    return 0;
  });
}

int runs_verify(Arguments arguments) {
  CommandLine line("runs verify", "Reads every line of the records against its checksum.",
                   "subband runs verify");
  std::vector<std::string> names;
  line.app().add_option("RUN", names, "runs to read; none: all");
  return line.run(arguments, [&] {
    const Store store = existing_store(line.options());
    std::vector<fs::path> folders;
    for (const std::string& name : names) folders.push_back(store.resolve(name));
    const Verification result = verify_runs(names.empty() ? store.folders() : folders);
    say_notices(result.notices, line.options());
    if (!result.problems.empty()) throw Error(result.problems);
    if (line.options().json)
      print_json({{"runs", result.runs}, {"lines", result.lines}, {"torn", result.notices}});
    else
      fmt::print("{} runs, {} lines: whole\n", result.runs, result.lines);
    return 0;
  });
}

int runs_reindex(Arguments arguments, ChangedStore& changed) {
  CommandLine line("runs reindex", "Makes index.sqlite and runs.md anew from the records.",
                   "subband runs reindex");
  return line.run(arguments, [&] {
    const Store store = existing_store(line.options());
    const IndexReading reading = rebuild_index(store);
    say_notices(reading.notices, line.options());
    changed = {store.root(), line.options().quiet};
    const std::string ledger = (store.root() / "runs.md").string();
    if (line.options().json)
      print_json({{"runs", reading.runs.size()}, {"ledger", ledger}});
    else
      fmt::print("{} runs indexed, {} written\n", reading.runs.size(), ledger);
    return 0;
  });
}

}  // namespace

int command_runs(Arguments arguments, ChangedStore& changed) {
  const std::string verb = arguments.empty() ? "--help" : arguments[0];
  const Arguments rest = arguments.empty() ? arguments : arguments.subspan(1);
  if (verb == "list") return runs_list(rest);
  if (verb == "show") return runs_show(rest);
  if (verb == "diff") return runs_diff(rest);
  if (verb == "verify") return runs_verify(rest);
  if (verb == "reindex") return runs_reindex(rest, changed);
  if (verb == "du") return runs_du(rest);
  if (verb == "rm") return runs_rm(rest, changed);
  if (verb == "merge") return runs_merge(rest, changed);
  if (verb == "--help" || verb == "-h") {
    std::cout << kRunsHelp;
    return 0;
  }
  CommandLine line("runs", "the ledger of a store", "subband runs list");
  const bool is_json = std::ranges::find(arguments, "--json") != arguments.end();
  if (verb == kAsksOptions) return line.run(arguments, [] { return 0; });
  const std::vector<std::string> flags =
      is_json ? std::vector<std::string>{"--json"} : std::vector<std::string>{};
  return line.run(flags, [&]() -> int {
    throw ConfigError("command line",
                      "runs " + verb + ": unknown; known: list, show, diff, verify, reindex, du, rm, merge",
                      "unknown_option");
  });
}

namespace commands {

void add_runs(CommandTable& table) {
  table.push_back({"runs",
                   "the ledger: list, show, diff, verify, reindex, du, rm, merge",
                   {"list|show|diff|verify|reindex|du|rm|merge"},
                   command_runs});
}

}  // namespace commands

}  // namespace subband
