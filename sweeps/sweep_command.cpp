#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <optional>
#include <set>

#include "analysis/commands/commands.h"
#include "core/config/compose.h"
#include "core/config/yaml.h"
#include "core/error.h"
#include "core/files.h"
#include "core/languages/terminal.h"
#include "core/program/command_table.h"
#include "core/program/progress.h"
#include "core/program/signals.h"
#include "core/slot.h"
#include "core/text.h"
#include "experiments/parts.h"
#include "sweeps/commands.h"
#include "sweeps/launcher.h"
#include "sweeps/planning/plan.h"
#include "sweeps/scheduling/board.h"
#include "sweeps/scheduling/perform_cells.h"
#include "sweeps/spec/inline.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

struct SweepWords {
  std::string spec;
  std::vector<std::string> overrides;
  std::vector<fs::path> folders;  // --config-dir
  std::string launcher = "local";
  std::optional<int64_t> jobs;
  std::optional<std::string> name;
  std::string metric;  // empty: the spec's own
  bool is_dry = false;
  bool other_machine = false;
};

std::shared_ptr<Launcher> make_launcher(const Registry& registry, const SweepWords& words) {
  using config::Node;
  const config::Place place{.source = std::make_shared<const std::string>("command line")};
  Node spec = Node::map();
  spec.set("type", Node(words.launcher)).place = place;
  if (words.jobs) spec.set("jobs", Node(*words.jobs)).place = place;
  spec.place = place;
  return make_part<Launcher>(registry, spec);
}

config::ComposeRequest spec_request(const SweepWords& words, const std::vector<std::string>& overrides,
                                    const std::vector<config::GroupFolder>& folders) {
  return {.primary = words.spec, .overrides = overrides, .folders = folders, .group = "sweep"};
}

SweepSpec composed_spec(const SweepWords& words, const std::string& name,
                        const std::vector<std::string>& overrides,
                        const std::vector<config::GroupFolder>& folders, config::Warnings& warnings) {
  const config::Composition composition = config::compose(spec_request(words, overrides, folders));
  warnings = composition.warnings;
  return bind_sweep(name, composition.config);
}

// Whether a file holds a spec, not a recipe: what does not exist is missed as a spec.
bool is_spec_file(const std::string& file) {
  std::error_code none;
  if (!fs::exists(file, none)) return true;
  if (!file.ends_with(".yaml")) return false;
  bool has_other = false;
  const config::Node tree = config::read_yaml(file);
  if (!tree.is(config::Node::Kind::map)) return true;
  for (const config::Entry& entry : tree.entries()) {
    if (is_spec_key(entry.key)) return true;
    has_other = has_other || entry.key != "defaults";
  }
  return !has_other;
}

// One sweep, from words to exit code.
class SweepJob {
 public:
  SweepJob(const SweepWords& words, const CommonOptions& options, Arguments arguments)
      : words_(words), options_(options), store_(options.store) {
    register_parts(registry_);
    register_sweeps_parts(registry_);
    source_ = {.registry = &registry_,
               .folders = config::standard_folders(program_root(), registry_.groups(), words.folders),
               .command_line = {"subband", "sweep"},
               .other_machine = words.other_machine};
    source_.command_line.insert(source_.command_line.end(), arguments.begin(), arguments.end());
  }

  int run() {
    launcher_ = make_launcher(registry_, words_);
    config::Warnings warnings;
    RowBinder binder(source_);
    std::vector<std::string> every_cell;
    const SweepSpec spec = read_spec(binder, every_cell, warnings);
    {
      Progress progress("plan", "rows", static_cast<int64_t>(expand(spec).rows.size()), options_.quiet);
      int64_t rows = 0;
      const auto prepare = [&](const std::string& recipe, const std::vector<std::string>& changes) {
        progress.update(rows++);
        return binder.prepare(recipe, changes);
      };
      plan_ = make_plan(spec, every_cell, prepare, read_index(store_).runs);
    }
    warnings.insert(warnings.end(), binder.warnings().begin(), binder.warnings().end());
    if (!options_.quiet)
      for (const std::string& warning : warnings) std::cerr << "warning: " << shown_message(warning) << "\n";
    if (!plan_.missing.empty()) return show_missing();
    check_new_rows(binder);
    if (words_.is_dry) {
      std::cout << (options_.json ? plan_json(plan_, launcher_->jobs()) + "\n"
                                  : plan_text(plan_, launcher_->jobs()));
      return 0;
    }
    const SweepManifest manifest = manifest_of(plan_, words_.spec);
    keep(manifest);
    const bool is_stopped = run_missing();
    report_sweep(store_, manifest, options_);
    return is_stopped ? kInterruptedExit : exit_code(manifest);
  }

 private:
  // Without its data a sweep is planned and not run.
  int show_missing() const {
    std::ostream& out = words_.is_dry ? std::cout : std::cerr;
    out << (options_.json ? plan_json(plan_, launcher_->jobs()) + "\n" : plan_text(plan_, launcher_->jobs()));
    for (const std::string& line : plan_.missing) std::cerr << shown_message(line) << "\n";
    return 1;
  }

  // The sweep's name in this store. A sweep that was changed on the command line does not take the place of the unchanged
  // one, nor a file that of another file.
  std::string named_sweep() const {
    if (words_.name) return *words_.name;
    std::string change;
    for (const std::string& each : words_.overrides) change += "+" + each;
    const std::string name = sweep_name(store_.root(), words_.spec, change);
    const std::string usual =
        words_.spec.ends_with(".yaml") ? fs::path(words_.spec).stem().string() : words_.spec;
    if (name != usual && !options_.quiet)
      std::cerr << shown("this sweep is called " + name + "; --name gives it another name") << "\n";
    return name;
  }

  // A sweep that has nothing to run is shown from a store that may only be read.
  void keep(const SweepManifest& manifest) const {
    try {
      write_sweep_manifest(store_.root(), manifest);
    } catch (const Error& error) {
      if (!missing().empty()) throw;
      if (!options_.quiet) std::cerr << error_lines(error);
    }
  }

  // A spec of that name, else a recipe; overrides with several values are factors of either.
  SweepSpec read_spec(RowBinder& binder, std::vector<std::string>& every_cell, config::Warnings& warnings) const {
    const SplitOverrides overrides = split_overrides(words_.overrides);
    config::SearchPath search = config::search_path_of(spec_request(words_, {}, source_.folders));
    const std::string& name = words_.spec;
    const bool is_file = name.ends_with(".yaml") || name.ends_with(".json");
    const bool has_spec = is_file ? is_spec_file(name) : search.find("sweep/" + name) != nullptr;
    const bool has_recipe = is_file || search.find("recipe/" + name) != nullptr;
    const bool is_recipe = has_recipe && !has_spec;
    SweepSpec spec = is_recipe ? spec_of_recipe(words_.name.value_or(name_of_recipe_sweep()), name, overrides.spec)
                               : composed_spec(words_, named_sweep(), overrides.spec, source_.folders, warnings);
    every_cell =
        take_factors(spec, overrides.cells, [&](const std::string& group) { return search.options(group); });
    if (!words_.metric.empty()) spec.metric = words_.metric;
    if (is_recipe || !words_.metric.empty()) judge_by(spec, binder, every_cell);
    return spec;
  }

  // The recipe and what is changed in it.
  std::string name_of_recipe_sweep() const {
    std::string name = words_.spec;
    for (const std::string& each : words_.overrides) name += " " + each;
    return name;
  }

  // Which of two values is better is known to the task; a metric that no run reports is refused by the plan.
  void judge_by(SweepSpec& spec, RowBinder& binder, const std::vector<std::string>& every_cell) const {
    const SweepRow row = expand(spec).rows.front();
    const auto overrides = cell_overrides(spec, row, spec.seeds.front(), every_cell);
    for (const MetricInfo& each : binder.metrics(row.recipe, overrides))
      if (each.name == spec.metric && !each.goal.empty()) spec.goal = each.goal;
  }

  // One small step of every row that has not run yet, so that what cannot work is refused before anything is trained.
  void check_new_rows(RowBinder& binder) const {
    std::vector<Problem> problems;
    std::set<size_t> checked;
    Progress progress("first steps", "rows", static_cast<int64_t>(plan_.grid.rows.size()), options_.quiet);
    for (const PlannedCell& cell : plan_.cells) {
      if (cell.state != Status::fresh || !cell.same_as.empty() || !checked.insert(cell.cell.row).second)
        continue;
      const SweepRow& row = plan_.grid.rows[cell.cell.row];
      progress.update(static_cast<int64_t>(checked.size()));
      auto problem = binder.check(row.recipe, cell_overrides(plan_.spec, row, cell.cell.seed, plan_.extra));
      if (!problem) continue;
      problem->place = "row '" + row.label + "'";
      problems.push_back(std::move(*problem));
    }
    if (!problems.empty()) throw ConfigError(problems);
  }

  // Cells to be run, each run once, whichever rows share it.
  std::vector<size_t> missing() const {
    std::vector<size_t> cells;
    std::set<std::pair<std::string, int64_t>> taken;
    for (size_t i = 0; i < plan_.cells.size(); ++i) {
      const PlannedCell& cell = plan_.cells[i];
      if (cell.state != Status::reused && taken.insert({cell.id, cell.cell.seed}).second) cells.push_back(i);
    }
    return cells;
  }

  bool run_missing() {
    const std::vector<size_t> cells = missing();
    if (cells.empty()) return false;
    if (!options_.quiet)
      std::cerr << fmt::format("{}: {} cells, {} to run, {} at once\n", shown(plan_.spec.name), plan_.cells.size(),
                 cells.size(), std::min<int64_t>(launcher_->jobs(), static_cast<int64_t>(cells.size())));
    std::vector<BoardCell> names;
    for (const size_t cell : cells) names.push_back({plan_.cells[cell].cell.name, plan_.cells[cell].seconds});
    const RunCell run_cell = [&](size_t index, WorkerLink& link) {
      const PlannedCell& cell = plan_.cells[cells[index]];
      return perform_cell(source_, plan_.grid.rows[cell.cell.row].recipe, cell, store_, link);
    };
    ScheduleResult result;
    {
      Board board(std::move(names), launcher_->jobs(), terminal_width(), options_.quiet);
      result = launcher_->launch(cells.size(), run_cell, sweep_file(store_.root(), plan_.spec.name, ".log"),
                                 board);
    }
    for (size_t i = 0; i < cells.size(); ++i) {
      const PlannedCell& cell = plan_.cells[cells[i]];
      if (result.outcomes[i].is_crash)
        record_crash(store_, cell.id, cell.cell.seed, result.outcomes[i].message);
      is_failed_ = is_failed_ || result.outcomes[i].status == Status::failed;
    }
    return result.is_stopped;
  }

  int exit_code(const SweepManifest& manifest) const {
    std::set<std::pair<std::string, int64_t>> done;
    for (const RunSummary& run : read_index(store_).runs)
      if (run.status == Status::done) done.insert({run.id, run.seed});
    for (const SweepCell& cell : manifest.cells)
      if (!done.contains({cell.id, cell.seed})) return 4;
    return is_failed_ ? 4 : 0;
  }

  const SweepWords& words_;
  const CommonOptions& options_;
  Store store_;
  Registry registry_;
  CellSource source_;
  std::shared_ptr<Launcher> launcher_;
  SweepPlan plan_;
  bool is_failed_ = false;
};

}  // namespace

int command_sweep(Arguments arguments) {
  CommandLine line(
      "sweep",
      "Plans and runs every cell of a sweep, then shows its table; again: only what is missing.\n"
      "SPEC is a sweep's name or a .yaml file, or else a recipe's. Overrides change the spec (seeds=[1,2]) "
      "or,\n"
      "with any other first key, the recipe of every cell (trainer.steps=40); of several values\n"
      "(optimizer.lr=0.01,0.02 net.layers=range(1,4)) every combination is a row.\n"
      "Ctrl-C once: workers checkpoint and stop, exit code 130; the same command goes on. Twice: at once.\n"
      "So do TERM, HUP, XCPU and USR1, the warnings of batch systems; USR2: workers checkpoint and go on.\n"
      "Exit code 4: some cells failed; the table says which.",
      "subband sweep quickstart trainer.steps=100 --jobs 2");
  SweepWords words;
  line.words("SPEC", words.spec, words.overrides, "which sweep to run");
  line.config_dirs(words.folders);
  line.app().add_option(
      "--metric", words.metric,
      "what judges a run instead of the spec's metric; of a recipe: valid.bpb unless given");
  line.app().add_option("--name", words.name,
                        "of the sweep in the store, in place of SPEC, or a recipe, and its overrides");
  line.app().add_flag("--dry-run", words.is_dry, "show what would run, and its predicted time and memory");
  line.app().add_flag(
      "--other-machine", words.other_machine,
      "go on with cells whose operations take other paths here than before; their records note it");
  line.app().add_option("--jobs", words.jobs, "worker processes at once; otherwise one for each core");
  line.app().add_option("--launcher", words.launcher, "where workers run")->capture_default_str();
  return line.run(arguments, [&] {
    const SignalWatch watch("");
    return SweepJob(words, line.options(), arguments).run();
  });
}

namespace commands {

void add_sweep(CommandTable& table) {
  table.push_back({"sweep",
                   "plan and run every cell of a sweep, then its table; again: only what is missing",
                   {"sweep", "override…"},
                   command_sweep});
}

}  // namespace commands

}  // namespace subband
