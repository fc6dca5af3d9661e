#include "runs/conduct.h"

#include <new>
#include <optional>

#include "core/error.h"
#include "core/text.h"
#include "runs/other_code.h"
#include "runs/record/provenance.h"
#include "runs/record/record_observer.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

// A failure of other code is no result of this one, and its checkpoint may hold what made it fail.
bool is_void(const RunRecord& run, const PartCode& now) {
  return is_failure(run.status) && !other_code(run.code, now).empty();
}

bool is_reusable(const RunRecord& run, bool retry) {
  return is_settled(run.status) || (!retry && run.status != Status::running && run.status != Status::stopped);
}

RunResult reused(const fs::path& folder, const RunRecord& run) {
  return {.folder = folder, .id = run.id, .is_reused = true, .outcome = outcome_of(run)};
}

std::string failed_under(const RunRecord& run, const PartCode& now) {
  return run.id.substr(0, 8) + ": was " + word_of(run.status) + " under other code (" +
         join(other_code(run.code, now), ", ") + ")";
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// The experiment's outcome, whatever happens in it. `broken` keeps an Error that is to be thrown on.
Outcome outcome_of_experiment(const Experiment& experiment, const fs::path& folder, Observer& observer,
                              std::optional<Error>& broken) {
  try {
    return experiment(folder, observer);
  } catch (const Error& error) {
    broken = error;
    return {.status = Status::failed, .message = first_line(error.what())};
  } catch (const std::bad_alloc&) {
    return {.status = Status::out_of_memory, .message = "the machine's memory is exhausted"};
  } catch (const std::exception& unexpected) {  // LibTorch's own errors
    return {.status = Status::failed, .message = first_line(unexpected.what())};
  }
}

// Remembers the last step, for outcomes that do not know it.
class StepMemory final : public Observer {
 public:
  int64_t step() const { return step_; }
  void started(int64_t, int64_t first_step) override { step_ = first_step; }
  void stepped(const StepEvent& event) override { step_ = event.step; }

 private:
  int64_t step_ = 0;
};

Outcome carry_out(OpenRun& run, const PerformOptions& options, const Experiment& experiment) {
  StepMemory memory;
  RecordObserver record(run.record, run.folder);
  Observers observer{&record, &memory, options.observer};
  for (const std::string& line : options.notes) record.noted(line);
  std::optional<Error> broken;
  Outcome outcome = outcome_of_experiment(experiment, run.folder, observer, broken);
  if (outcome.step == 0) outcome.step = memory.step();
  try {
    run.record.end(outcome);
  } catch (const Error&) {
    if (!broken) throw;  // else the disk refused before, and that error says so
  }
  if (broken) throw *broken;
  return outcome;
}

}  // namespace

Outcome outcome_of(const RunRecord& run) {
  return {.status = run.status, .step = run.step, .message = run.message, .metrics = run.metrics};
}

// A damaged record may be set aside, one that another process writes may not.
static void refuse_if_written(const fs::path& file) {
  try {
    const RecordWriter nobody_else(file);
  } catch (const Error& error) {
    if (error.first().kind != "damaged") throw;
  }
}

RunResult conduct(const RunPlan& plan, const Store& store, const PerformOptions& options,
                  const Experiment& experiment) {
  RunStart start = plan.start;
  start.provenance = program_provenance(options.command_line);
  for (const auto& [key, value] : plan.start.provenance.items()) start.provenance[key] = value;
  const PartCode code = part_code_in(start.provenance);
  std::vector<std::string> notices;
  if (const auto present = store.find(start.id, start.seed)) {
    const bool forced = options.force;
    const std::optional<RunRecord> run = forced ? std::nullopt : std::optional(read_record(*present / kRecordName));
    if (forced || is_void(*run, code)) {
      refuse_if_written(*present / kRecordName);
      const fs::path aside = store.set_aside(*present);
      if (!forced) notices.push_back(failed_under(*run, code) + "; begun anew, the other is in " + aside.string());
    } else if (is_reusable(*run, options.retry)) {
      return reused(*present, *run);
    }
  }
  for (const UnreadableRun& run : store.unreadable(start.id, start.seed)) {
    if (options.force) store.set_aside(run.folder);
    notices.push_back(run.problem.line() + (options.force ? "; set aside" : "; the run is begun beside it"));
  }
  OpenRun run = store.open_or_create(start, plan.resolved, options.lease);
  if (!run.is_new) {
    // Another process may have ended it while this one waited for the lock.
    const RunRecord present = read_record(run.record.file());
    if (is_reusable(present, options.retry)) return reused(run.folder, present);
    run.record.resume(start.provenance);
    if (const auto parts = other_code(present.code, code); !parts.empty())
      run.record.append("note", {{"text", "goes on under other code than it began with: " + join(parts, ", ")}}, true);
  }
  return {.folder = run.folder,
          .id = start.id,
          .outcome = carry_out(run, options, experiment),
          .notices = std::move(notices)};
}

}  // namespace subband
