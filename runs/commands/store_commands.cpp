#include "runs/commands/store_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>

#include "core/error.h"
#include "core/languages/json.h"
#include "core/languages/numbers.h"
#include "core/languages/terminal.h"
#include "core/text.h"
#include "runs/claim_register.h"
#include "runs/disk_use.h"
#include "runs/merge.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

Store changed_store(const CommonOptions& options) {
  if (!fs::is_directory(options.store)) throw Error(options.store.string(), "store: does not exist");
  return Store(options.store);
}

double mib(uint64_t bytes) { return static_cast<double>(bytes) / (1024.0 * 1024.0); }

struct RemoveWords {
  std::vector<std::string> runs;
  std::string keep;  // empty: the whole runs go
};

int remove_runs(const RemoveWords& words, const CommonOptions& options, ChangedStore& changed) {
  const Store store = changed_store(options);
  std::vector<fs::path> folders;
  for (const std::string& name : words.runs) folders.push_back(store.resolve(name));
  uint64_t freed = 0;
  std::vector<std::pair<std::string, int64_t>> removed;
  for (const fs::path& folder : folders) {
    if (words.keep.empty()) {
      freed += disk_use(folder).total();
      const RunRecord run = read_record(folder / kRecordName);
      store.remove(folder);
      removed.emplace_back(run.id, run.seed);
    } else if (!is_being_written(folder / kRecordName)) {
      freed += keep_checkpoints(folder, words.keep);
    }
  }
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  note_removals(store.root(), removed, now.count());
  changed = {store.root(), options.quiet};
  if (options.json)
    std::cout << json_document(RecordJson{{"runs", folders.size()}, {"freed_mib", mib(freed)}}) << "\n";
  else
    fmt::print("{} runs{}, {} freed\n", folders.size(), words.keep.empty() ? " removed" : "",
               mib_text(mib(freed)));
  return 0;
}

}  // namespace

int runs_rm(Arguments arguments, ChangedStore& changed) {
  CommandLine line(
      "runs rm",
      "Removes runs for good, or with --keep some of their checkpoints. A run that is being written stays.",
      "subband runs rm 3f2a91bc-s1337");
  RemoveWords words;
  line.app()
      .add_option("RUN", words.runs, "runs, each by its folder or the start of its name or identity")
      ->required();
  line.app()
      .add_option("--keep", words.keep,
                  "keep the runs, and of their checkpoints only these: last, best, none")
      ->check(CLI::IsMember({"last", "best", "none"}));
  return line.run(arguments, [&] { return remove_runs(words, line.options(), changed); });
}

int runs_du(Arguments arguments) {
  CommandLine line("runs du", "Shows what runs take on the disk, the largest first.",
                   "subband runs du --limit 10");
  std::optional<int64_t> limit;
  line.app().add_option("--limit", limit, "at most so many")->check(above_zero());
  return line.run(arguments, [&] {
    std::vector<DiskUse> uses;
    DiskUse all{.folder = "all"};
    for (const fs::path& folder : changed_store(line.options()).folders()) {
      uses.push_back(disk_use(folder));
      all.record += uses.back().record;
      all.checkpoints += uses.back().checkpoints;
      all.rest += uses.back().rest;
    }
    std::ranges::sort(uses, std::greater(), &DiskUse::total);
    const auto count = uses.size();
    if (limit && uses.size() > static_cast<size_t>(*limit)) uses.resize(static_cast<size_t>(*limit));
    if (line.options().json) {
      RecordJson document = {
          {"runs", RecordJson::array()}, {"count", count}, {"total_mib", mib(all.total())}};
      for (const DiskUse& use : uses)
        document["runs"].push_back({{"folder", use.folder},
                                    {"record_mib", mib(use.record)},
                                    {"checkpoints_mib", mib(use.checkpoints)},
                                    {"rest_mib", mib(use.rest)}});
      std::cout << json_document(document) << "\n";
      return 0;
    }
    fmt::print("{:>10}  {:>11}  {:>9}  run\n", "total", "checkpoints", "record");
    uses.push_back(all);
    uses.back().folder = fmt::format("{} runs", count);
    for (const DiskUse& use : uses)
      fmt::print("{:>10}  {:>11}  {:>9}  {}\n", mib_text(mib(use.total())), mib_text(mib(use.checkpoints)),
                 mib_text(mib(use.record)), shown(use.folder));
    return 0;
  });
}

int runs_merge(Arguments arguments, ChangedStore& changed) {
  CommandLine line(
      "runs merge",
      "Copies the runs and sweeps of another store into this one. Of a run with a result on both sides ours "
      "stays.",
      "subband runs merge /mnt/other/logs");
  std::string other;
  line.app().add_option("STORE", other, "the other store, which is left as it is")->required();
  return line.run(arguments, [&] {
    const Store store(line.options().store);
    const MergeResult result = merge_store(store, Store(other));
    changed = {store.root(), line.options().quiet};
    for (const std::string& notice : result.notices)
      if (!line.options().quiet) std::cerr << shown_message(notice) << "\n";
    if (line.options().json)
      std::cout << json_document(RecordJson{{"copied", result.copied},
                                            {"replaced", result.replaced},
                                            {"known", result.known},
                                            {"sweeps", result.sweeps},
                                            {"notices", result.notices}})
                << "\n";
    else
      fmt::print("{} runs copied, {} replaced, {} were here; {} sweeps\n", result.copied, result.replaced,
                 result.known, result.sweeps);
    return 0;
  });
}

}  // namespace subband
