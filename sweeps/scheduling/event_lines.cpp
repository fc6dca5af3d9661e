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

void EventLines::end(int exit_code, const std::string& rest) {
  Json fields = {{"exit", exit_code}};
  if (!rest.empty()) fields["status"] = "waiting", fields["why"] = rest;
  say("end", fields);
}

void EventLines::hear(const ScheduleEvent& event) {
  using What = ScheduleEvent::What;
  if (event.what == What::ticked) return;
  if (event.what == What::stopping) return say("stopping", Json::object());
  Json fields = of(event.cell);
  switch (event.what) {
    case What::started: return say("started", fields);
    case What::held: return say("held", fields);
    case What::progressed:
      fields["step"] = event.progress.step;
      fields["steps"] = event.progress.steps;
      fields["tokens"] = event.progress.tokens;
      fields["tokens_per_s"] = number_json(event.progress.tokens_per_s);
      fields["loss"] = number_json(event.progress.loss);
      return say("progress", fields);
    case What::retried: fields["why"] = event.why; return say("retried", fields);
    default:
      fields["status"] = event.outcome.is_paused ? "paused" : word_of(event.outcome.status);
      fields["message"] = event.outcome.message;
      return say("ended", fields);
  }
}

}  // namespace subband
