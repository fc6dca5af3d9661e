#include <fmt/format.h>

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/json.h"
#include "core/languages/json.h"
#include "core/languages/terminal.h"
#include "core/program/command_table.h"
#include "core/program/signals.h"
#include "experiments/parts.h"
#include "experiments/training/progress_observer.h"
#include "sweeps/commands.h"
#include "sweeps/planning/cell_task.h"
#include "sweeps/scheduling/perform_cells.h"
#include "sweeps/slurm/bundle.h"

namespace subband {

namespace {

struct CellWords {
  std::string task;
  std::optional<int64_t> until;
  std::string bundle, log;  // of a cluster's job; empty: none
  double lease_s = 20;
  bool other_machine = false;
};

int exit_code_of(const CellOutcome& outcome) {
  if (outcome.is_paused || outcome.status == Status::done || outcome.status == Status::reused) return 0;
  return outcome.status == Status::stopped ? kInterruptedExit : 4;
}

// Where a batch system runs it, for the record.
std::vector<std::string> notes_of(const CellWords& words) {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value != nullptr ? value : "");
  };
  const std::string array = variable("SLURM_ARRAY_JOB_ID"), job = variable("SLURM_JOB_ID");
  if (job.empty()) return {};
  const std::string id = array.empty() ? job : array + "_" + variable("SLURM_ARRAY_TASK_ID");
  const std::string again = variable("SLURM_RESTART_COUNT");
  return {"slurm: job " + id + " on " + variable("SLURMD_NODENAME") +
          (again.empty() ? "" : ", start " + again + " after the first") +
          (words.log.empty() ? "" : ", log " + words.log)};
}

int perform_task(const CellWords& words, const CommonOptions& options, Arguments arguments) {
  const SignalWatch watch("\nstopping after a checkpoint; once more: at once\n");
  if (!words.bundle.empty()) slurm::expect_bundle(words.bundle, slurm::this_program());
  const CellTask task = read_task(words.task);
  Registry registry;
  register_parts(registry);
  CellSource source{.registry = &registry,
                    .folders = {},
                    .command_line = {"subband", "cell"},
                    .other_machine = words.other_machine};
  source.command_line.insert(source.command_line.end(), arguments.begin(), arguments.end());
  ProgressObserver progress(task.name(), options.quiet);
  const CellOutcome outcome = perform_cell(source, task, Store(options.store),
                                           {.observer = &progress,
                                            .stop = &stop_asked(),
                                            .until = words.until,
                                            .lease = {.expiry_s = words.lease_s},
                                            .notes = notes_of(words)});
  if (outcome.status == Status::held) throw Error(Problem{words.task, outcome.message, "locked"});
  const std::string word = outcome.is_paused ? "paused" : word_of(outcome.status);
  if (options.json)
    std::cout << json_document(Json{{"row", task.row},
                                    {"seed", task.seed},
                                    {"id", task.id},
                                    {"status", word},
                                    {"message", outcome.message}})
              << "\n";
  else
    std::cout << shown(fmt::format("{:<6} {}{}", word, task.name(),
                                   outcome.message.empty() ? "" : "  " + outcome.message))
              << "\n";
  return exit_code_of(outcome);
}

}  // namespace

int command_cell(Arguments arguments) {
  CommandLine line(
      "cell",
      "Runs one cell of a sweep, as it was planned: TASK is a file that `subband sweep` wrote, in\n"
      "STORE/sweeps/NAME/tasks. The same task again goes on with the run, or finds it done.\n"
      "Exit code 4: the run ended as a failure; 130: it was stopped and goes on next time.",
      "subband cell logs/sweeps/quickstart/tasks/3f2a91bc77ab03de-s1337.yaml");
  CellWords words;
  line.app().add_option("TASK", words.task, "the task's file")->required();
  line.app().add_option("--until", words.until, "pause after this optimiser step")->check(above_zero());
  line.app()
      .add_option("--lease", words.lease_s, "seconds after which silence of this process counts as its end")
      ->check(above_zero())
      ->capture_default_str();
  line.app().add_option("--bundle", words.bundle,
                        "folder of the program that was frozen; another one refuses to run");
  line.app().add_option("--log", words.log, "where the output goes, for the record");
  line.app().add_flag(
      "--other-machine", words.other_machine,
      "go on with a run whose operations take other paths here than before; the record notes it");
  return line.run(arguments, [&] { return perform_task(words, line.options(), arguments); });
}

namespace commands {

void add_cell(CommandTable& table) {
  table.push_back({"cell", "one planned cell of a sweep, as a launcher runs it", {}, command_cell});
}

}  // namespace commands

}  // namespace subband
