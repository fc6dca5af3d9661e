#include <fmt/format.h>

#include <iostream>
#include <optional>

#include "core/error.h"
#include "core/languages/json.h"
#include "core/languages/terminal.h"
#include "core/program/command_table.h"
#include "core/program/signals.h"
#include "core/program/warn.h"
#include "core/text.h"
#include "experiments/load_recipe.h"
#include "experiments/parts.h"
#include "experiments/training/checkpoints/named_checkpoint.h"
#include "experiments/training/checkpoints/start_overrides.h"
#include "experiments/training/dry_run.h"
#include "experiments/training/profile/profile_observer.h"
#include "experiments/training/progress_observer.h"
#include "experiments/training/recipe_remarks.h"
#include "runs/commands/commands.h"
#include "runs/other_code.h"
#include "runs/perform.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

struct RunWords {
  RecipeRequest recipe;
  std::optional<int64_t> seed;
  std::string from;
  bool force = false;
  bool check = false;
  bool other_machine = false;
  bool profile = false;
};

// Of `--profile`; nothing where no step was taken, or too few.
std::optional<ProfileTable> written_profile(ProfileObserver* observer, const RunResult& result, bool quiet) {
  if (observer == nullptr) return {};
  const auto say = [quiet](const std::string& line) {
    if (!quiet) std::cerr << shown_message("profile: " + line) << "\n";
  };
  const std::optional<Profile> profile = observer->profile();
  if (!profile) {
    say(result.is_reused ? "the run is there already, so that no step was taken; --force computes it again"
                         : "none: the run took fewer than three steps");
    return {};
  }
  const fs::path folder = result.folder / "profile";
  ProfileTable table = write_profile(*profile, folder);
  say("written: " + (folder / "trace.json").string() + ", for chrome://tracing or ui.perfetto.dev, and table.txt");
  return table;
}

Recipe composed_recipe(const Registry& registry, const RunWords& words, const CommonOptions& common) {
  RecipeRequest request = words.recipe;
  if (!words.from.empty()) {
    auto all = start_overrides(registry, request, named_checkpoint(common.store, words.from));
    all.insert(all.end(), request.overrides.begin(), request.overrides.end());
    request.overrides = std::move(all);
  }
  if (words.seed) request.overrides.push_back("seed=" + std::to_string(*words.seed));
  config::Warnings warnings;
  Recipe recipe = load_recipe(registry, request, &warnings);
  check_prompt(recipe);
  for (const std::string& remark : recipe_remarks(recipe)) warnings.push_back(remark);
  const auto net = make_meta_net(recipe);
  for (const std::string& remark :
       cost_remarks(recipe, {.parameters = parameter_count(*net), .flops = net->flops(recipe.shape.length)}))
    warnings.push_back(remark);
  if (!common.quiet) warn(warnings);
  return recipe;
}

void print_run(const RunResult& result) {
  const Outcome& outcome = result.outcome;
  for (const auto& [name, value] : outcome.metrics) fmt::print("{:<32} {:.6g}\n", name, value);
  fmt::print("{}{} at step {}{}\n{}\n", result.is_reused ? "reused: " : "", word_of(outcome.status),
             outcome.step, outcome.message.empty() ? "" : ": " + shown(outcome.message),
             shown(result.folder.string()));
}

void print_run_json(const RunResult& result, const std::optional<ProfileTable>& profile) {
  RecordJson document = {{"folder", result.folder.string()},
                               {"id", result.id},
                               {"reused", result.is_reused},
                               {"status", result.outcome.status},
                               {"step", result.outcome.step},
                               {"message", result.outcome.message},
                               {"metrics", metrics_json(result.outcome.metrics)}};
  if (profile) document["profile"] = profile->json();
  std::cout << json_document(document) << "\n";
}

// What the run said of itself when it was computed.
void say_reused(const RunResult& result, const Recipe& recipe) {
  const RunRecord run = read_record(result.folder / kRecordName);
  const std::vector<std::string> parts = other_code(run.code, part_code(recipe.versions));
  std::cerr << "this run is already there" << (parts.empty() ? "" : ", of other code: " + join(parts, ", "))
            << "; --force computes it again\n";
  if (!run.samples.empty()) std::cerr << shown_lines(run.samples.back().text) << "\n";
}

int exit_code_of(const Outcome& outcome) {
  if (outcome.done()) return 0;
  return outcome.status == Status::stopped ? kInterruptedExit : 4;
}

// `--check`: one small step instead of the run.
int say_checked(const Recipe& recipe, const CommonOptions& common) {
  constexpr int64_t kMostTried = 300'000'000;
  const bool with_weights = check_recipe(recipe, kMostTried);
  const int64_t parameters = parameter_count(*make_meta_net(recipe));
  if (common.json)
    std::cout << json_document(RecordJson{
                     {"recipe", recipe.name}, {"parameters", parameters}, {"with_weights", with_weights}})
              << "\n";
  else
    fmt::print("{}: a first step works{}; {} parameters\n", shown(recipe.name),
               with_weights ? "" : ", in shapes without weights", parameters);
  return 0;
}

int carry_out_run(const RunWords& words, const CommonOptions& common, Arguments arguments,
                  ChangedStore& changed) {
  const SignalWatch watch("\nstopping after a checkpoint; Ctrl-C once more: at once\n");
  Registry registry;
  register_parts(registry);
  const Recipe recipe = composed_recipe(registry, words, common);
  if (words.check) return say_checked(recipe, common);
  if (words.profile && recipe.trainer.device != "cpu")
    throw ConfigError("command line",
                      "--profile: measures the CPU, and trainer.device = " + recipe.trainer.device +
                          "; give trainer.device=cpu",
                      "bad_value");
  const Store store(common.store);
  PerformOptions options{.stop = &stop_asked(),
                         .checkpoint = &checkpoint_asked(),
                         .command_line = {"subband", "run"},
                         .other_machine = words.other_machine,
                         .force = words.force};
  options.command_line.insert(options.command_line.end(), arguments.begin(), arguments.end());
  ProgressObserver progress(recipe.name, common.quiet);
  std::optional<ProfileObserver> profiler;
  if (words.profile) profiler.emplace();
  Observers observers({&progress, profiler ? &*profiler : nullptr});
  options.observer = &observers;
  const RunResult result = perform(recipe, store, options);
  if (!common.quiet)
    for (const std::string& notice : result.notices) std::cerr << shown_message(notice) << "\n";
  if (result.is_reused && !common.quiet) say_reused(result, recipe);
  changed = {common.store, common.quiet};
  const auto profile = written_profile(profiler ? &*profiler : nullptr, result, common.quiet);
  if (profile && !common.json) std::cout << profile->text() << "\n";
  if (common.json)
    print_run_json(result, profile);
  else
    print_run(result);
  return exit_code_of(result.outcome);
}

}  // namespace

int command_run(Arguments arguments, ChangedStore& changed) {
  CommandLine line(
      "run",
      "Trains one recipe, or goes on with it, or reuses it when it is done; then shows its evaluation.\n"
      "RECIPE is a recipe's name, a .yaml file or a WaveletLM config.json; overrides are a.b=c, +a=b, ++a=b, "
      "~a, group=option.\n"
      "Ctrl-C once: checkpoint and stop, exit code 130; the same command goes on. Twice: stop at once.\n"
      "So do TERM, HUP, XCPU and USR1, the warnings of batch systems; USR2: checkpoint and go on.\n"
      "Exit code 4: the run ended as nan, diverged, out_of_memory, time_out or failed.",
      "subband run tinyshakespeare/wavelet net.block.lifting=haar --seed 7");
  RunWords words;
  words.recipe.add_to(line);
  line.app().add_option("--seed", words.seed, "instead of the recipe's seed");
  line.app().add_option("--from", words.from,
                        "train on from these weights, with a new optimiser: a checkpoint, a folder of them, or a run; net "
                        "and tokeniser are theirs");
  line.app().add_flag(
      "--check", words.check,
      "one forward and backward pass of a small batch instead of the run; exit code 2 where it fails");
  line.app().add_flag("--other-machine", words.other_machine,
                      "go on with a run whose operations take other paths here than before; the record notes it");
  line.app().add_flag("--profile", words.profile,
                      "show where the time of three steps goes, by part of the net, and write a trace of them into the "
                      "run's folder (CPU)");
  line.app().add_flag("--force", words.force,
                      "compute again what is done; the earlier run moves to STORE/replaced");
  return line.run(arguments, [&] { return carry_out_run(words, line.options(), arguments, changed); });
}

namespace commands {

void add_run(CommandTable& table) {
  table.push_back({"run",
                   "one run, with progress, sample text and final evaluation",
                   {"recipe", "override…"},
                   command_run});
}

}  // namespace commands

}  // namespace subband
