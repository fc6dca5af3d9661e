#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "analysis/commands/commands.h"
#include "core/config/compose.h"
#include "core/config/yaml.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/languages/json.h"
#include "core/languages/terminal.h"
#include "core/program/command_table.h"
#include "core/program/progress.h"
#include "core/program/signals.h"
#include "core/slot.h"
#include "core/text.h"
#include "experiments/parts.h"
#include "runs/claim_register.h"
#include "sweeps/commands.h"
#include "sweeps/launcher.h"
#include "sweeps/make_queue.h"
#include "sweeps/planning/packing.h"
#include "sweeps/planning/plan.h"
#include "sweeps/planning/redo.h"
#include "sweeps/planning/split_cell.h"
#include "sweeps/scheduling/board.h"
#include "sweeps/scheduling/event_lines.h"
#include "sweeps/scheduling/perform_cells.h"
#include "sweeps/scheduling/rest.h"
#include "sweeps/scheduling/split_queue.h"
#include "sweeps/scheduling/store_book.h"
#include "sweeps/scheduling/watch.h"
#include "sweeps/search/adaptive_queue.h"
#include "sweeps/slurm/waves.h"
#include "sweeps/spec/between_runs.h"
#include "sweeps/spec/inline.h"
#include "sweeps/spec/launcher_words.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

struct SweepWords {
  std::string spec;
  std::vector<std::string> overrides;
  std::vector<fs::path> folders;  // --config-dir
  std::optional<std::string> launcher;
  std::optional<int64_t> jobs;
  std::optional<std::string> name;
  std::string metric;  // empty: the spec's own
  RedoChoice redo;
  bool is_dry = false;
  bool is_watching = false;
  bool has_event_lines = false;
  bool other_machine = false;
};

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
    config::Warnings warnings;
    RowBinder binder(source_);
    std::vector<std::string> every_cell;
    const SweepSpec spec = read_spec(binder, every_cell, warnings);
    launcher_ = make_launcher(spec);
    runs_ = read_index(store_).runs;
    {
      Progress progress("plan", "rows", static_cast<int64_t>(expand(spec).rows.size()), options_.quiet);
      int64_t rows = 0;
      const auto prepare = [&](const std::string& recipe, const std::vector<std::string>& changes) {
        progress.update(rows++);
        return prepared(binder, spec, recipe, changes);
      };
      plan_ = make_plan(spec, every_cell, prepare, runs_);
      const SweepManifest earlier = earlier_manifest();
      seen_ = seen_runs(plan_, earlier, runs_);
      const auto added = words_.redo.is_any() && is_adaptive(spec) ? added_cells(plan_, earlier, prepare)
                                                                    : std::vector<AddedCell>{};
      choose_again(plan_, words_.redo, added);
      added_again_ = take_again(added, words_.redo, runs_);
      plan_.rest = rest_of(sweep_folder());
    }
    warnings.insert(warnings.end(), binder.warnings().begin(), binder.warnings().end());
    if (!options_.quiet)
      for (const std::string& warning : warnings) std::cerr << "warning: " << shown_message(warning) << "\n";
    if (!plan_.missing.empty()) return show_missing();
    check_new_rows(binder);
    if (words_.is_dry) {
      std::cout << (options_.json ? plan_json(plan_, launcher_->room(plan_)) + "\n"
                                  : plan_text(plan_, launcher_->room(plan_),
                                              terminal_columns(STDOUT_FILENO).has_value()));
      return 0;
    }
    keep();
    const ScheduleResult result = run_missing(binder);
    if (!result.elsewhere.empty()) return say_elsewhere(result.elsewhere);
    const SweepManifest manifest = this->manifest();
    if (!refused_.empty()) write_sweep_manifest(store_.root(), manifest);
    CommonOptions options = options_;
    options.json = options_.json || words_.has_event_lines;
    report_sweep(store_, manifest, options);
    return result.is_stopped ? kInterruptedExit : exit_code(manifest);
  }

  // `--watch`: what others do.
  int watch() {
    const std::string name = words_.name ? *words_.name : sweep_name(store_.root(), words_.spec, change());
    const fs::path file = sweep_file(store_.root(), name, ".json");
    SweepManifest manifest = read_sweep_manifest(file);
    const auto board_cell = [](const SweepCell& cell) {
      return BoardCell{.name = cell.row + ", seed " + std::to_string(cell.seed), .seconds = {}};
    };
    std::vector<BoardCell> names;
    for (const SweepCell& cell : manifest.cells) names.push_back(board_cell(cell));
    Board board(std::move(names), 1, words_.has_event_lines ? 0 : terminal_width(),
                options_.quiet || words_.has_event_lines);
    EventLines lines(std::cout, [&](size_t cell) {
      return std::pair(manifest.cells[cell].row, manifest.cells[cell].seed);
    });
    std::vector<ScheduleObserver*> hearers = {&board};
    if (words_.has_event_lines) hearers.push_back(&lines);
    ScheduleObservers observers(hearers);
    SweepWatch watch(store_, manifest, observers);
    size_t on_board = manifest.cells.size();
    const auto follow = [&] {  // cells that a queue has added
      try {
        manifest = read_sweep_manifest(file);
      } catch (const Error&) {  // being replaced just now
        return;
      }
      for (; on_board < manifest.cells.size(); ++on_board) board.add(board_cell(manifest.cells[on_board]));
      watch.follow(manifest);
    };
    const auto has_jobs = [&] { return slurm::has_jobs(sweep_file(store_.root(), name, "")); };
    const int code = watch_sweep(watch, observers, {.idle_s = 10, .follow = follow, .is_awaited = has_jobs});
    const bool is_left = code != 0 && watch.running() == 0 && !watch.is_over();
    const std::string rest = is_left ? watch.rest() : "";
    if (is_left && !options_.quiet)
      std::cerr << (rest.empty() ? "nobody works on this sweep now" : "waiting: " + shown(rest))
                << "; the same command without --watch goes on\n";
    if (words_.has_event_lines) lines.end(code, rest);
    return code;
  }

 private:
  // Without its data a sweep is planned and not run.
  int show_missing() const {
    std::ostream& out = words_.is_dry ? std::cout : std::cerr;
    out << (options_.json
                ? plan_json(plan_, launcher_->room(plan_)) + "\n"
                : plan_text(plan_, launcher_->room(plan_), terminal_columns(STDOUT_FILENO).has_value()));
    for (const std::string& line : plan_.missing) std::cerr << shown_message(line) << "\n";
    return 1;
  }

  std::shared_ptr<Launcher> make_launcher(const SweepSpec& spec) const {
    const std::vector<std::string> overrides = split_overrides(words_.overrides).launcher;
    return make_part<Launcher>(
        registry_,
        launcher_node(spec.launcher, {.type = words_.launcher, .jobs = words_.jobs, .overrides = overrides}));
  }

  int say_elsewhere(const std::string& where) const {
    if (options_.json)
      std::cout << json_document(Json{{"sweep", plan_.spec.name}, {"elsewhere", where}}) << "\n";
    else
      std::cout << shown(where) << "\n";
    return 0;
  }

  // What makes it another sweep than the unchanged one; where it runs does not.
  std::string change() const {
    const SplitOverrides split = split_overrides(words_.overrides);
    std::string text;
    for (const std::string& each : words_.overrides)
      if (std::ranges::find(split.launcher, each) == split.launcher.end()) text += "+" + each;
    return text;
  }

  // The sweep's name in this store. A sweep that was changed on the command line does not take the place of the unchanged
  // one, nor a file that of another file.
  std::string named_sweep() const {
    if (words_.name) return *words_.name;
    const std::string name = sweep_name(store_.root(), words_.spec, change());
    const std::string usual =
        words_.spec.ends_with(".yaml") ? fs::path(words_.spec).stem().string() : words_.spec;
    if (name != usual && !options_.quiet)
      std::cerr << shown("this sweep is called " + name + "; --name gives it another name") << "\n";
    return name;
  }

  SweepManifest manifest() const {
    SweepManifest manifest = manifest_of(plan_, words_.spec);
    manifest.registered = registered_;
    for (const auto& [cell, message] : refused_) manifest.cells[cell].refused = message;
    return manifest;
  }

  // What the sweep left in this store before.
  SweepManifest earlier_manifest() const {
    try {
      return read_sweep_manifest(sweep_file(store_.root(), plan_.spec.name, ".json"));
    } catch (const Error&) {  // none, or a damaged one
      return {};
    }
  }

  // Cells that are done again begin anew; what they were moves to the store's `replaced`, and was seen all the same.
  void set_aside_again(double now) {
    std::vector<std::pair<std::string, int64_t>> seen;
    for (const PlannedCell& cell : plan_.cells)
      if (cell.again && !cell.folder.empty()) seen.emplace_back(cell.id, cell.cell.seed);
    for (const RunSummary& run : added_again_) seen.emplace_back(run.id, run.seed);
    if (!seen.empty()) note_removals(store_.root(), seen, now);
    for (const RunSummary& run : added_again_)
      if (fs::exists(store_.root() / run.folder)) store_.set_aside(store_.root() / run.folder);
    for (PlannedCell& cell : plan_.cells) {
      if (!cell.again || cell.folder.empty()) continue;
      const fs::path folder = store_.root() / cell.folder;
      if (fs::exists(folder)) store_.set_aside(folder);  // two rows may share it
      cell.folder.clear();
      cell.state = Status::fresh;
    }
  }

  // The claims before the first run, the runs that are done again out of the way, the manifest, and the tasks of the cells
  // that are to be run. A sweep that has nothing to run is shown from a store that may only be read.
  void keep() {
    try {
      SweepManifest manifest = this->manifest();
      const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
      register_claims(store_.root(), manifest, seen_, now.count());
      registered_ = manifest.registered;
      set_aside_again(now.count());
      write_sweep_manifest(store_.root(), manifest);
      if (is_adaptive(plan_.spec)) begin_decisions(sweep_folder());
      for (const size_t cell : missing()) write_task(sweep_folder(), task_of(plan_, cell));
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
    check_search_parts(spec, registry_);
    read_between_runs(spec, store_, every_cell, [&](const std::string& recipe, const std::vector<std::string>& words) {
      binder.identify(recipe, words);
    });
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

  // The words of this command; its name is said, for a copy of the spec may lie elsewhere.
  std::vector<std::string> again() const {
    std::vector<std::string> words;
    for (size_t i = 1; i < source_.command_line.size(); ++i) {
      const std::string& word = source_.command_line[i];
      if (word == "--redo" && words_.redo.row) ++i;  // what is done again was set aside once
      if (word != "--redo" && !word.starts_with("--redo=") && word != "--force") words.push_back(word);
    }
    if (!words_.name) words.insert(words.end(), {"--name", plan_.spec.name});
    return words;
  }

  fs::path sweep_folder() const { return sweep_file(store_.root(), plan_.spec.name, ""); }

  // A row, bound; of a search a pruner must be able to judge it.
  PreparedRow prepared(RowBinder& binder, const SweepSpec& spec, const std::string& recipe,
                       const std::vector<std::string>& changes) const {
    PreparedRow row = binder.prepare(recipe, changes);
    check_rungs(spec, registry_, row);
    return row;
  }

  // A cell that a queue makes while the sweep runs. ConfigError, which is said here, where it cannot be bound.
  size_t add(RowBinder& binder, const SweepRow& row, int64_t seed) {
    const auto prepare = [&](const std::string& recipe, const std::vector<std::string>& changes) {
      return prepared(binder, plan_.spec, recipe, changes);
    };
    const size_t before = plan_.cells.size();
    size_t number = 0;
    try {
      number = add_cell(plan_, row, seed, prepare, runs_);
    } catch (const ConfigError& error) {
      is_failed_ = is_failed_ || !plan_.spec.search;  // of a search it is a point like others, only worse
      if (!options_.quiet)
        std::cerr << shown("warning: " + row.label + " is left out: " + error.first().line()) << "\n";
      throw;
    }
    if (number < before) return number;
    const PlannedCell& cell = plan_.cells[number];
    write_sweep_manifest(store_.root(), manifest());
    if (cell.state != Status::reused) write_task(sweep_folder(), task_of(plan_, number));
    if (board_) board_->add({.name = cell.cell.name, .seconds = cell.seconds});
    return number;
  }

  // A run that lacked memory, and every cell that is the same run, in halves.
  bool split(RowBinder& binder, size_t number) {
    const auto prepare = [&](const std::string& recipe, const std::vector<std::string>& changes) {
      return binder.prepare(recipe, changes);
    };
    const std::string id = plan_.cells[number].id;
    const int64_t seed = plan_.cells[number].cell.seed;
    for (size_t i = 0; i < plan_.cells.size(); ++i) {
      if (plan_.cells[i].id != id || plan_.cells[i].cell.seed != seed) continue;
      if (!split_cell(plan_, i, prepare, runs_)) return false;
    }
    write_sweep_manifest(store_.root(), manifest());
    if (plan_.cells[number].state != Status::reused) write_task(sweep_folder(), task_of(plan_, number));
    return true;
  }

  // What the store has of the plan's cells.
  void replay(CellQueue& queue, StoreBook& book) const {
    std::map<std::string, const RunSummary*> by_folder;
    for (const RunSummary& run : runs_) by_folder.emplace(run.folder, &run);
    for (size_t i = 0; i < plan_.cells.size(); ++i) {
      const auto run = by_folder.find(plan_.cells[i].folder);
      if (run == by_folder.end() || plan_.cells[i].state == Status::retry) continue;  // that result does not count
      const bool is_paused = run->second->status == Status::stopped;
      if (!is_settled(run->second->status) && !is_paused) continue;
      CellOutcome outcome{
          .status = run->second->status, .message = run->second->message, .is_paused = is_paused};
      if (queue.reads_evaluations())
        queue.ended(i, book.result(i, outcome));
      else
        queue.ended(i, {.outcome = outcome, .step = run->second->step, .metrics = run->second->metrics});
    }
  }

  ScheduleResult run_missing(RowBinder& binder) {
    const std::vector<size_t> cells = missing();
    const AddCell make_cell = [&](const SweepRow& row, int64_t seed) { return add(binder, row, seed); };
    auto queue = make_adaptive_queue(plan_, make_cell, registry_, store_.root());
    if (!queue) queue = make_queue(plan_);
    if (plan_.spec.on_memory == "split")
      queue = std::make_unique<SplitQueue>(std::move(queue), [&](size_t cell) { return split(binder, cell); });
    StoreBook book(store_, plan_);
    replay(*queue, book);
    const int64_t workers = packing_of(plan_, launcher_->room(plan_)).workers;
    if (!options_.quiet && !cells.empty())
      std::cerr << fmt::format("{}: {} cells, {} to run, {} at once\n", shown(plan_.spec.name),
                               plan_.cells.size(), cells.size(),
                               std::min<int64_t>(workers, static_cast<int64_t>(cells.size())));
    std::vector<BoardCell> names;
    for (const PlannedCell& cell : plan_.cells)
      names.push_back({.name = cell.cell.name, .seconds = cell.seconds, .is_there = true});
    for (const size_t cell : cells) names[cell].is_there = false;
    board_.emplace(std::move(names), workers, words_.has_event_lines ? 0 : terminal_width(),
                   options_.quiet || words_.has_event_lines);
    EventLines lines(std::cout, [&](size_t cell) {
      return std::pair(plan_.grid.rows[plan_.cells[cell].cell.row].label, plan_.cells[cell].cell.seed);
    });
    std::vector<ScheduleObserver*> hearers = {&*board_};
    if (words_.has_event_lines)
      hearers.push_back(&lines), lines.sweep(plan_.spec.name, plan_.cells.size(), cells.size());
    ScheduleObservers observers(hearers);
    const RunCell run_cell = [&](const CellTurn& turn, WorkerLink& link) {
      return perform_cell(
          source_, task_of(plan_, turn.cell), store_, link,
          {.until = turn.until, .lease = {.expiry_s = launcher_->lease_s(), .sights = &book.sights()}});
    };
    ScheduleResult result = launcher_->launch({.plan = plan_,
                                               .book = book,
                                               .queue = *queue,
                                               .run_cell = run_cell,
                                               .store = store_.root(),
                                               .folder = sweep_folder(),
                                               .again = again(),
                                               .observer = observers});
    board_.reset();
    if (!result.is_stopped && result.elsewhere.empty() && !queue->was_cut()) end_decisions(sweep_folder());
    is_failed_ = is_failed_ || queue->was_cut();
    for (size_t i = 0; i < result.outcomes.size(); ++i) {
      if (result.outcomes[i].status != Status::failed) continue;
      is_failed_ = true;
      if (!store_.find(plan_.cells[i].id, plan_.cells[i].cell.seed)) refused_[i] = result.outcomes[i].message;
    }
    return result;
  }

  int exit_code(const SweepManifest& manifest) const {
    std::set<std::pair<std::string, int64_t>> done;
    for (const RunSummary& run : read_index(store_).runs)
      if (run.status == Status::done || (plan_.spec.search && run.status == Status::stopped))
        done.insert({run.id, run.seed});
    for (const SweepCell& cell : manifest.cells)
      if (!done.contains({cell.id, cell.seed})) return 4;
    return is_failed_ || manifest.cells.empty() ? 4 : 0;
  }

  const SweepWords& words_;
  const CommonOptions& options_;
  Store store_;
  Registry registry_;
  CellSource source_;
  std::shared_ptr<Launcher> launcher_;
  std::vector<RunSummary> runs_;  // of the store, when it was planned
  SweepPlan plan_;
  std::vector<ClaimRegistration> registered_;
  std::map<size_t, std::string> refused_;  // why a cell came to no run
  std::optional<Board> board_;
  std::vector<RunSummary> added_again_;  // of cells that a queue added earlier: done again
  int64_t seen_ = 0;         // runs of this sweep that were there when it was planned
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
  std::string redo;
  const CLI::Option* asks_redo =
      line.app()
          .add_option("--redo", redo, "train the cells of this row again, or without a ROW those that other code trained")
          ->expected(0, 1)
          ->type_name("[ROW]");
  line.app().add_flag("--force", words.redo.all, "train every cell again; the earlier runs move to STORE/replaced");
  line.app().add_flag("--dry-run", words.is_dry, "show what would run, and its predicted time and memory");
  line.app().add_flag(
      "--other-machine", words.other_machine,
      "go on with cells whose operations take other paths here than before; their records note it");
  line.app().add_option("--jobs", words.jobs, "worker processes at once; otherwise one for each core");
  line.app().add_option("--launcher", words.launcher,
                        "where workers run: local, slurm; its fields are overrides, launcher.account=lab");
  line.app().add_flag(
      "--watch", words.is_watching,
      "show what others run of this sweep, from any machine that sees the store; run nothing");
  line.app().add_flag("--json-lines", words.has_event_lines,
                      "events on stdout, one JSON object a line, the table last");
  return line.run(arguments, [&] {
    words.redo.other_code = asks_redo->count() > 0 && redo.empty();
    if (!redo.empty()) words.redo.row = redo;
    const SignalWatch watch("");
    SweepJob job(words, line.options(), arguments);
    return words.is_watching ? job.watch() : job.run();
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
