#include "experiments/training/progress_observer.h"

#include <fmt/format.h>

#include <cstdio>

#include "core/languages/numbers.h"
#include "core/languages/terminal.h"
#include "core/text.h"

namespace subband {

ProgressObserver::ProgressObserver(std::string label, bool quiet, Observer* next)
    : label_(std::move(label)), quiet_(quiet), next_(next) {}

ProgressObserver::~ProgressObserver() = default;

void ProgressObserver::say(const std::string& text) {
  if (quiet_) return;
  if (bar_)
    bar_->line(text);
  else
    fmt::print(stderr, "{}\n", shown_lines(text));
}

void ProgressObserver::started(int64_t parameters, int64_t first_step) {
  say(fmt::format("{}: {} parameters{}", label_, grouped(parameters),
                  first_step > 0 ? fmt::format(", from step {}", first_step) : ""));
  if (next_) next_->started(parameters, first_step);
}

void ProgressObserver::stepped(const StepEvent& event) {
  const int64_t per_step = event.tokens / event.step;
  if (!bar_) {
    tokens_before_ = event.tokens - per_step;
    bar_ = std::make_unique<Progress>(label_, "tokens", per_step * event.steps - tokens_before_, quiet_);
  }
  bar_->update(event.tokens - tokens_before_,
               fmt::format("step {}/{}  loss {}", event.step, event.steps, decimal_text(event.loss)));
  if (next_) next_->stepped(event);
}

void ProgressObserver::measured(int64_t step, const Metrics& metrics) {
  std::string line = fmt::format("step {}:", step);
  for (const auto& [name, value] : metrics) {
    const bool leads = name.find(".bpb") != std::string::npos ||
                       name.find(".accuracy") != std::string::npos || name.find(".loss") != std::string::npos;
    if (leads) {
      line += fmt::format("  {} {:.4f}", name, value);
    }
  }
  say(line);
  if (next_) next_->measured(step, metrics);
}

void ProgressObserver::sampled(int64_t step, const std::string& text) {
  bar_.reset();
  say(text);
  if (next_) next_->sampled(step, text);
}

void ProgressObserver::checkpointed(int64_t step, const std::filesystem::path& file) {
  if (next_) next_->checkpointed(step, file);
}

void ProgressObserver::counted(const std::vector<OpUse>& uses) {
  if (next_) next_->counted(uses);
}

void ProgressObserver::noted(const std::string& line) {
  say(line);
  if (next_) next_->noted(line);
}

void ProgressObserver::ended(const Outcome& outcome) {
  bar_.reset();
  if (!outcome.done()) say(fmt::format("{}: {}: {}", label_, outcome.status, outcome.message));
  if (next_) next_->ended(outcome);
}

}  // namespace subband
