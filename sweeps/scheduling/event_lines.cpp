#include "sweeps/scheduling/event_lines.h"

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <ostream>

#include "runs/record/record_line.h"

namespace subband {

void EventLines::say(const char* event, const Json& fields) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const double seconds = std::round(std::chrono::duration<double>(now).count() * 1000) / 1000;
  Json line = {{"event", event}, {"time", seconds}};
  for (const auto& [key, value] : fields.items()) line[key] = value;
  out_ << json_text(line) << "\n" << std::flush;
}

Json EventLines::of(size_t cell) const {
  const auto [row, seed] = name_(cell);
  return {{"row", row}, {"seed", seed}};
}

void EventLines::sweep(const std::string& sweep_name, size_t cells, size_t to_run) {
  say("sweep", {{"sweep", sweep_name}, {"cells", cells}, {"to_run", to_run}});
}

void EventLines::end(int exit_code) { say("end", {{"exit", exit_code}}); }

void EventLines::started(size_t cell) { say("started", of(cell)); }

void EventLines::progressed(size_t cell, const CellProgress& progress) {
  Json fields = of(cell);
  fields["step"] = progress.step;
  fields["steps"] = progress.steps;
  fields["tokens"] = progress.tokens;
  fields["tokens_per_s"] = number_json(progress.tokens_per_s);
  fields["loss"] = number_json(progress.loss);
  say("progress", fields);
}

void EventLines::held(size_t cell) { say("held", of(cell)); }

void EventLines::retried(size_t cell, const std::string& why) {
  Json fields = of(cell);
  fields["why"] = why;
  say("retried", fields);
}

void EventLines::ended(size_t cell, const CellOutcome& outcome) {
  Json fields = of(cell);
  fields["status"] = outcome.is_paused ? "paused" : word_of(outcome.status);
  fields["message"] = outcome.message;
  say("ended", fields);
}

void EventLines::stopping() { say("stopping", Json::object()); }

void ScheduleObservers::started(size_t cell) {
  for (ScheduleObserver* each : all_) each->started(cell);
}
void ScheduleObservers::progressed(size_t cell, const CellProgress& progress) {
  for (ScheduleObserver* each : all_) each->progressed(cell, progress);
}
void ScheduleObservers::held(size_t cell) {
  for (ScheduleObserver* each : all_) each->held(cell);
}
void ScheduleObservers::retried(size_t cell, const std::string& why) {
  for (ScheduleObserver* each : all_) each->retried(cell, why);
}
void ScheduleObservers::ended(size_t cell, const CellOutcome& outcome) {
  for (ScheduleObserver* each : all_) each->ended(cell, outcome);
}
void ScheduleObservers::stopping() {
  for (ScheduleObserver* each : all_) each->stopping();
}
void ScheduleObservers::ticked() {
  for (ScheduleObserver* each : all_) each->ticked();
}

}  // namespace subband
