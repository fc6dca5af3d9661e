#include "sweeps/slurm/submission.h"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <thread>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "sweeps/planning/cell_task.h"
#include "sweeps/scheduling/rest.h"
#include "sweeps/scheduling/watch.h"
#include "sweeps/slurm/bundle.h"
#include "sweeps/slurm/waves.h"

namespace subband::slurm {

namespace fs = std::filesystem;

namespace {

// One process at a time submits a sweep: two would submit the same cells.
HeldLease claim_submission(const fs::path& folder) {
  const auto former = newest_lease(folder);
  LeaseSights sights;
  const auto is_gone = [&] {
    return !former || is_over(*former) || sights.has_lapsed(folder, *newest_lease(folder));
  };
  for (int i = 0; i < 220 && !is_gone(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  auto lease = is_gone() ? HeldLease::claim(
                               folder, {.generation = former ? former->generation + 1 : 0, .expiry_s = 10})
                         : std::nullopt;
  if (!lease)
    throw Error(Problem{folder.string(), "another process submits or waits for this sweep; --watch shows it",
                        "locked"});
  return std::move(*lease);
}

// What the watch sees of a run goes to the board, but for its end: that is told when its job has ended.
class Underway final : public ScheduleObserver {
 public:
  explicit Underway(ScheduleObserver& outer) : outer_(outer) {}
  void hear(const ScheduleEvent& event) override {
    using What = ScheduleEvent::What;
    if (event.what == What::started || event.what == What::progressed) outer_.hear(event);
  }

 private:
  ScheduleObserver& outer_;
};

// A turn that Slurm has.
struct Handed {
  CellTurn turn;
  fs::path task;
  int64_t attempt = 1;
  std::optional<Element> seen = {};  // how it stood at the last look
};

class Submission {
 public:
  Submission(const Settings& config, const SweepAtWork& sweep)
      : config_(config), sweep_(sweep), waves_(sweep.folder), lease_(claim_submission(waves_.folder())) {}

  ScheduleResult run() {
    submit(take());
    if (!config_.wait) {
      result_.elsewhere = words();
      return result_;
    }
    while (!handed_.empty()) {
      std::this_thread::sleep_for(std::chrono::duration<double>(config_.poll_s));
      watch();
      submit(hear());
      sweep_.observer.ticked();
    }
    return result_;
  }

 private:
  // The turns that the queue has now; those that Slurm still has are only remembered.
  std::vector<Handed> take() {
    std::vector<Handed> fresh;
    const std::map<fs::path, Element> known = waves_.known().of_tasks;
    const auto has_room = [&] {
      const auto out = static_cast<int64_t>(handed_.size() + fresh.size());
      return !sweep_.queue.learns() || config_.jobs == 0 || out < config_.jobs;
    };
    while (has_room()) {
      const auto turn = sweep_.queue.next();
      if (!turn) break;
      if (const auto there = sweep_.book.settled(turn->cell)) {
        end(turn->cell, *there);
        continue;
      }
      Handed handed{.turn = *turn,
                    .task = fs::absolute(task_file(sweep_.folder, task_of(sweep_.plan, turn->cell)))};
      const auto element = known.find(handed.task);
      const bool is_there = element != known.end() && state_of(element->second.state) != ElementState::ended;
      is_there ? ++found_ : 0;
      (is_there ? handed_ : fresh).push_back(std::move(handed));
    }
    return fresh;
  }

  void submit(std::vector<Handed> fresh) {
    if (fresh.empty()) return;
    if (bundle_.empty()) bundle_ = make_bundle(waves_.folder().parent_path() / "bundle", this_program());
    std::vector<WaveItem> items;
    for (const Handed& each : fresh)
      items.push_back(
          {.task = each.task, .until = each.turn.until, .needs = task_of(sweep_.plan, each.turn.cell).needs});
    const bool goes_on = sweep_.queue.decides_later() && !config_.wait;
    const auto ids = waves_.submit(std::move(items), config_,
                                   {.bundle = fs::absolute(bundle_).string(),
                                    .store = fs::absolute(sweep_.store).string(),
                                    .tasks = {},
                                    .again = goes_on ? sweep_.again : std::vector<std::string>{}});
    ids_.insert(ids_.end(), ids.begin(), ids.end());
    submitted_ += fresh.size();
    handed_.insert(handed_.end(), std::make_move_iterator(fresh.begin()),
                   std::make_move_iterator(fresh.end()));
  }

  // Ends what has ended; returns what is to be submitted: lost turns again, and what the queue has then.
  std::vector<Handed> hear() {
    const KnownElements known = waves_.known();
    std::vector<Handed> again, still;
    for (Handed& each : std::exchange(handed_, {})) {
      const auto found = known.of_tasks.find(each.task);
      std::optional<Element> now;
      if (found != known.of_tasks.end()) now = found->second;
      if (!now && has_vanished(each, known)) now = each.seen, now->state = "CANCELLED";
      if (now && state_of(now->state) != ElementState::ended) {
        each.seen = now;
        still.push_back(std::move(each));
      } else if (!conclude(each, now ? &*now : nullptr)) {
        again.push_back(std::move(each));
      }
    }
    handed_ = std::move(still);
    std::vector<Handed> fresh = take();
    again.insert(again.end(), std::make_move_iterator(fresh.begin()), std::make_move_iterator(fresh.end()));
    return again;
  }

  // Whether it waited and is not there any more, while its array still is: Slurm keeps no trace of an element that is cancelled
  // before it began. Where nothing is left of the array, Slurm itself may have lost it.
  static bool has_vanished(const Handed& handed, const KnownElements& known) {
    return handed.seen && state_of(handed.seen->state) == ElementState::waiting && known.arrays.contains(handed.seen->comment);
  }

  // What became of a turn, from the record: Slurm may forget or repeat jobs. False where it is to be tried again.
  bool conclude(Handed& handed, const Element* element) {
    const size_t cell = handed.turn.cell;
    const CellResult now = sweep_.book.look(cell);
    const Status status = now.outcome.status;
    const bool has_end =
        status != Status::running && status != Status::interrupted && status != Status::fresh;
    const bool is_cut = status == Status::stopped && !(handed.turn.until && now.step >= *handed.turn.until);
    const bool is_cancelled = element != nullptr && element->state == "CANCELLED";
    if (has_end && !is_cut) {
      CellResult result = now;
      result.outcome.is_paused = status == Status::stopped;
      end(cell, result);
      return true;
    }
    const std::string word = element != nullptr ? element->state : "LOST";
    if (element != nullptr && element->state == "OUT_OF_MEMORY") {
      end(cell, sweep_.book.result(
                    cell, {.status = Status::out_of_memory, .message = "Slurm: " + word, .is_crash = true}));
    } else if (is_cancelled) {
      end(cell, {.outcome = {.status = Status::stopped, .message = "Slurm: CANCELLED"}});
    } else if (handed.attempt > config_.retries || (status == Status::fresh && element != nullptr)) {
      // A job that Slurm saw ending before there was a run was refused, and would be again.
      const std::string log = element != nullptr ? "; see " + waves_.log_of(*element).string() : "";
      end(cell, sweep_.book.result(
                    cell, {.status = Status::failed, .message = "Slurm: " + word + log, .is_crash = true}));
    } else {
      sweep_.observer.retried(cell, "Slurm: " + word);
      ++handed.attempt;
      return false;
    }
    return true;
  }

  void end(size_t cell, const CellResult& result) {
    if (result_.outcomes.size() <= cell)
      result_.outcomes.resize(cell + 1, {Status::stopped, "was not begun"});
    result_.outcomes[cell] = result.outcome;
    sweep_.observer.ended(cell, result.outcome);
    sweep_.queue.ended(cell, result);
  }

  void watch() {
    if (!watch_ || watched_.cells.size() != sweep_.plan.cells.size()) {
      watched_ = manifest_of(sweep_.plan, "");
      watch_.emplace(store_, watched_, underway_);
    }
    watch_->look();
  }

  std::string words() const {
    if (submitted_ == 0 && found_ == 0) return "";
    std::string text = fmt::format("{} cells submitted", submitted_);
    if (!ids_.empty()) text += " as " + join(ids_, ", ");
    if (found_ > 0) text += fmt::format("; {} are with Slurm already", found_);
    return text + fmt::format("; logs in {}; subband sweep … --watch shows them", waves_.folder().string());
  }

  const Settings& config_;
  const SweepAtWork& sweep_;
  Store store_{sweep_.store};
  Underway underway_{sweep_.observer};
  SweepManifest watched_;
  std::optional<SweepWatch> watch_;
  Waves waves_;
  HeldLease lease_;
  fs::path bundle_;
  std::vector<Handed> handed_;
  std::vector<std::string> ids_;
  size_t submitted_ = 0, found_ = 0;
  ScheduleResult result_;
};

}  // namespace

ScheduleResult submit_sweep(const Settings& settings, const SweepAtWork& sweep) {
  Submission submission(settings, sweep);
  try {
    ScheduleResult result = submission.run();
    end_rest(sweep.folder);
    return result;
  } catch (const Error& error) {  // a job that may not submit, for one
    begin_rest(sweep.folder, error.first().line());
    throw;
  }
}

}  // namespace subband::slurm
