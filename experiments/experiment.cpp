#include "experiments/experiment.h"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <new>

#include "core/tensors/device.h"
#include "experiments/autocast.h"
#include "experiments/checkpoint.h"
#include "experiments/peak_memory.h"
#include "experiments/sampling.h"
#include "experiments/trainer.h"

namespace subband {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// A run that ends before its last step, as a result.
struct Ended {
  Outcome outcome;
};

class Experiment {
 public:
  Experiment(const Recipe& recipe, const ExperimentOptions& options, Observer& observer)
      : recipe_(recipe),
        options_(options),
        observer_(observer),
        device_(open_device(recipe.trainer.device, [&](const std::string& line) { observer.noted(line); })),
        use_(task_use(recipe, device_, options.cache)),
        task_(make_task(recipe)),
        open_task_(task_->open(use_)) {}

  Outcome run() {
    const int64_t steps = planned_steps(recipe_.trainer, *open_task_);
    net_ = make_net(recipe_);
    net_->to(device_);
    set_fp32_products(use_.precision);
    const bool scales_loss = use_.precision == "fp16";
    trainer_.emplace(recipe_, *net_, *open_task_, Trainer::Plan{steps, device_, scales_loss});
    for (const std::string& line : open_task_->notes()) observer_.noted(line);
    if (device_.is_cpu() && recipe_.trainer.precision != "fp32")
      observer_.noted("precision: fp32, not " + recipe_.trainer.precision + ": the run is on the CPU");
    resume();
    observer_.started(parameter_count(*net_), trainer_->steps_done());
    train();
    Outcome outcome{.step = trainer_->steps_done(), .metrics = training_metrics()};
    if (evaluate(outcome)) sample();
    return outcome;
  }

  int64_t step() const { return trainer_ ? trainer_->steps_done() : 0; }

 private:
  bool stop_asked() const { return options_.stop != nullptr && options_.stop->load(); }

  void resume();
  void train();
  void judge(const StepResult& result) const;
  void checkpoint();
  bool evaluate(Outcome& outcome);
  void sample();
  Metrics training_metrics() const;

  const Recipe& recipe_;
  const ExperimentOptions& options_;
  Observer& observer_;
  at::Device device_;
  TaskUse use_;
  std::shared_ptr<Task> task_;
  std::unique_ptr<OpenTask> open_task_;
  std::shared_ptr<Net> net_;
  std::optional<Trainer> trainer_;
  double seconds_ = 0;         // of training, over all starts
  int64_t checkpointed_ = -1;  // step of the newest checkpoint
};

void Experiment::resume() {
  if (options_.checkpoints.empty()) return;
  const auto newest =
      newest_checkpoint(options_.checkpoints, [&](const std::string& line) { observer_.noted(line); });
  if (!newest) return;
  const Checkpoint checkpoint = read_checkpoint(*newest);
  if (checkpoint.trajectory != trajectory_id(recipe_)) {
    throw Error(newest->string(),
                "checkpoint of another run: recipe or seed differ from the present ones; "
                "take an empty folder for this one");
  }
  trainer_->load(checkpoint);
  seconds_ = checkpoint.seconds;
  checkpointed_ = checkpoint.step;
  observer_.noted(fmt::format("resumed at step {} from {}", checkpoint.step, newest->filename().string()));
}

// NaN and divergence end a run; the step that showed them moved nothing.
void Experiment::judge(const StepResult& result) const {
  if (result.skipped) return;
  const int64_t step = trainer_->steps_done() + (result.finite() ? 0 : 1);
  if (!result.finite()) {
    // The sign of a NaN says nothing, and differs between machines.
    throw Ended{{.status = "nan",
                 .step = step,
                 .message = fmt::format("step {}: loss = {}, gradient norm = {}", step, std::abs(result.loss),
                                        std::abs(result.gradient_norm))}};
  }
  const double limit =
      recipe_.trainer.diverged_above * std::log(static_cast<double>(recipe_.shape.answers()));
  if (limit > 0 && result.loss > limit) {
    throw Ended{{.status = "diverged",
                 .step = step,
                 .message = fmt::format("step {}: loss = {:.4f}: above {} ln V = {:.4f}", step, result.loss,
                                        recipe_.trainer.diverged_above, limit)}};
  }
}

void Experiment::train() {
  const TrainerConfig& config = recipe_.trainer;
  const auto start = Clock::now();
  while (trainer_->steps_done() < trainer_->steps()) {
    if (stop_asked()) {
      checkpoint();
      throw Ended{
          {.status = "stopped", .step = trainer_->steps_done(), .message = "stopped on request; resumable"}};
    }
    const auto before = Clock::now();
    const StepResult result = trainer_->step();
    seconds_ += seconds_since(before);
    judge(result);
    const int64_t step = trainer_->steps_done();
    observer_.stepped({.step = step,
                       .steps = trainer_->steps(),
                       .tokens = trainer_->tokens_seen(),
                       .loss = result.loss,
                       .rate = result.rate,
                       .gradient_norm = result.gradient_norm,
                       .seconds = seconds_since(start)});
    const bool last = step == trainer_->steps();
    if (config.evaluate_every > 0 && step % config.evaluate_every == 0)
      observer_.measured(step, open_task_->estimate(*net_));
    if (last || (config.checkpoint_every > 0 && step % config.checkpoint_every == 0)) checkpoint();
  }
}

void Experiment::checkpoint() {
  if (options_.checkpoints.empty() || checkpointed_ == trainer_->steps_done()) return;
  Checkpoint state{.config = recipe_.resolved,
                   .recipe = recipe_.name,
                   .trajectory = trajectory_id(recipe_),
                   .vocabulary = recipe_.vocabulary,
                   .seconds = seconds_};
  trainer_->save(state);
  const auto file = options_.checkpoints / checkpoint_name(state.step);
  write_checkpoint(file, state);
  prune_checkpoints(options_.checkpoints, 2);
  checkpointed_ = state.step;
  observer_.checkpointed(state.step, file);
}

Metrics Experiment::training_metrics() const {
  Metrics metrics = {{"train.seconds", seconds_},
                     {"train.loss", trainer_->average_loss()},
                     {"train.tokens", static_cast<double>(trainer_->tokens_seen())},
                     {"model.parameters", static_cast<double>(parameter_count(*net_))},
                     {"model.flops", net_->flops(recipe_.shape.length)}};
  if (trainer_->scaler())
    metrics["train.skipped_steps"] = static_cast<double>(trainer_->scaler()->skipped());
  if (seconds_ > 0) metrics["train.tokens_per_s"] = static_cast<double>(trainer_->tokens_seen()) / seconds_;
  return metrics;
}

// The final measurements; false where one of them made the outcome another than done.
bool Experiment::evaluate(Outcome& outcome) {
  for (const Measurement& measurement : task_->measurements(use_)) {
    if (measurement.split == "train") continue;
    if (stop_asked()) {
      outcome.status = "stopped",
      outcome.message = "stopped on request before the final evaluation; resumable";
      return false;
    }
    const Metrics measured = measurement.measure(*net_);
    outcome.metrics.insert(measured.begin(), measured.end());
    for (const auto& [name, value] : measured) {
      if (name.find(".loss") == std::string::npos || std::isfinite(value)) continue;
      outcome.status = "nan", outcome.message = fmt::format("{}: loss = {}", measurement.name, value);
      return false;
    }
  }
  if (const auto peak = peak_mib(device_)) outcome.metrics["train.peak_mib"] = *peak;
  observer_.measured(outcome.step, outcome.metrics);
  return true;
}

void Experiment::sample() {
  if (recipe_.samples.tokens == 0) return;
  const std::string text = sample_text(*net_, *make_tokenizer(recipe_),
                                       {.config = recipe_.samples,
                                        .length = recipe_.trainer.length,
                                        .seed = static_cast<uint64_t>(recipe_.seed),
                                        .device = device_,
                                        .precision = recipe_.trainer.precision});
  observer_.sampled(trainer_->steps_done(), text);
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// LibTorch's allocator on the CPU has no class of its own for a refusal.
bool is_out_of_memory(const c10::Error& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  const std::string text = error.what_without_backtrace();
  return text.find("can't allocate memory") != std::string::npos ||
         text.find("not enough memory") != std::string::npos;
}

}  // namespace

Outcome run_experiment(const Recipe& recipe, const ExperimentOptions& options) {
  Observer nobody;
  Observer& observer = options.observer != nullptr ? *options.observer : nobody;
  at::set_num_threads(static_cast<int>(recipe.trainer.threads));
  std::optional<Experiment> experiment;
  Outcome outcome;
  const auto failed = [&](const std::string& status, const std::string& message) {
    outcome = {.status = status, .step = experiment ? experiment->step() : 0, .message = message};
  };
  try {
    experiment.emplace(recipe, options, observer);
    outcome = experiment->run();
  } catch (const Ended& ended) {
    outcome = ended.outcome;
  } catch (const std::bad_alloc&) {
    failed("out_of_memory", "the system has no memory left");
  } catch (const c10::Error& error) {
    failed(is_out_of_memory(error) ? "out_of_memory" : "failed", first_line(error.what_without_backtrace()));
  }
  observer.ended(outcome);
  return outcome;
}

}  // namespace subband
