#include "runs/record/record_observer.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>

#include "core/error.h"
#include "core/languages/numbers.h"
#include "core/languages/terminal.h"
#include "core/text.h"

namespace subband {

namespace fs = std::filesystem;

static void append_text(const fs::path& file, const std::string& text) {
  std::ofstream stream(file, std::ios::app);
  if (!(stream << text << std::flush)) throw Error(file.string(), "cannot be written: the disk refuses it");
}

bool is_kept_step(int64_t step, int64_t steps) {
  return step == 1 || step == steps || step % std::max<int64_t>(1, steps / 200) == 0;
}

RecordObserver::RecordObserver(RecordWriter& record, const fs::path& folder)
    : record_(record), folder_(folder) {
  if (!record.torn().empty()) log(record.torn());
}

void RecordObserver::log(const std::string& line) {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  append_text(folder_ / "log.txt", fmt::format("{:%Y-%m-%d %H:%M:%S}  {}\n", fmt::gmtime(now), shown(line)));
}

void RecordObserver::started(int64_t parameters, int64_t first_step) {
  record_.append("model", {{"parameters", parameters}, {"step", first_step}}, true);
  log(grouped(parameters) + " parameters" +
      (first_step > 0 ? ", resumed after step " + std::to_string(first_step) : ""));
}

void RecordObserver::stepped(const StepEvent& event) {
  if (is_kept_step(event.step, event.steps)) {
    record_.append("step",
                   {{"step", event.step},
                    {"steps", event.steps},
                    {"tokens", event.tokens},
                    {"loss", number_json(event.loss)},
                    {"rate", number_json(event.rate)},
                    {"gradient_norm", number_json(event.gradient_norm)},
                    {"seconds", number_json(event.seconds)}},
                   false);
  }
  if (event.step == 1 || event.step == event.steps ||
      event.step % std::max<int64_t>(1, event.steps / 20) == 0)
    log(fmt::format("step {} of {}  loss {}  rate {:.3g}  gradient norm {:.3g}", event.step, event.steps,
                    decimal_text(event.loss), event.rate, event.gradient_norm));
}

void RecordObserver::measured(int64_t step, const Metrics& metrics) {
  record_.append("metrics", {{"step", step}, {"metrics", metrics_json(metrics)}}, true);
  std::string line = "step " + std::to_string(step);
  for (const auto& [name, value] : metrics) line += fmt::format("  {} {:.6g}", name, value);
  log(line);
}

void RecordObserver::sampled(int64_t step, const std::string& text) {
  record_.append("sample", {{"step", step}, {"text", text}}, false);
  append_text(folder_ / "samples.txt", "--- step " + std::to_string(step) + "\n" + text + "\n");
}

void RecordObserver::checkpointed(int64_t step, const fs::path& file) {
  record_.append("checkpoint", {{"step", step}, {"file", file.lexically_relative(folder_).string()}}, true);
}

void RecordObserver::counted(const std::vector<OpUse>& uses) {
  RecordJson all = RecordJson::array();
  for (const OpUse& use : uses)
    all.push_back({{"op", use.op}, {"path", use.path}, {"detail", use.detail}, {"calls", use.calls}});
  if (!all.empty()) record_.append("ops", {{"ops", all}}, false);
}

void RecordObserver::noted(const std::string& line) {
  record_.append("note", {{"text", line}}, false);
  log(line);
}

void RecordObserver::ended(const Outcome& outcome) {
  log(word_of(outcome.status) + " at step " + std::to_string(outcome.step) +
      (outcome.message.empty() ? "" : ": " + outcome.message));
}

}  // namespace subband
