#include "experiments/training/experiment.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <new>

#include "core/program/signals.h"
#include "core/tensors/autocast.h"
#include "core/tensors/device.h"
#include "core/tensors/kept_memory.h"
#include "core/tensors/prepare.h"
#include "experiments/generation/sample_text.h"
#include "experiments/quantisation/packed_run.h"
#include "experiments/quantisation/packing.h"
#include "experiments/training/checkpoints/best_weights.h"
#include "experiments/training/checkpoints/run_checkpoints.h"
#include "experiments/training/checkpoints/start_weights.h"
#include "experiments/training/peak_memory.h"
#include "experiments/training/trainer.h"

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
        ops_(recipe.ops.forced()),
        device_(open_device(recipe.trainer.device)),
        use_(task_use(recipe, device_, options.cache)),
        task_(make_task(recipe)),
        open_task_(task_->open(use_)) {}

  Outcome run() {
    const int64_t steps = planned_steps(recipe_.trainer, *open_task_);
    net_ = make_net(recipe_);
    load_start_weights(*net_, recipe_);
    net_->to(device_);
    set_fp32_products(use_.precision);
    const bool scales_loss = use_.precision == "fp16";
    expect_packable(*net_, recipe_);
    trainer_.emplace(recipe_, *net_, *open_task_, Trainer::Plan{steps, device_, scales_loss});
    if (!recipe_.trainer.steps && trainer_->warmup() >= steps)
      observer_.noted(
          fmt::format("schedule: a warm-up of {} steps in a run of {}: the rate never stops rising",
                      trainer_->warmup(), steps));
    best_.emplace(BestWeights::Plan{.keeps = recipe_.trainer.keeps_best(),
                                    .after_warmup = recipe_.trainer.save_best_after_warmup,
                                    .warmup = trainer_->warmup(),
                                    .epoch = steps_per_epoch(recipe_.trainer, *open_task_),
                                    .steps = steps},
                  options_.checkpoints);
    checkpoints_.emplace(recipe_, RunCheckpoints::Place{options_.checkpoints, options_.other_machine},
                         observer_, ops_);
    if (!recipe_.device_note.empty()) observer_.noted(recipe_.device_note);
    for (const std::string& line : open_task_->notes()) observer_.noted(line);
    if (const std::string note = left_out_note(recipe_.trainer, *open_task_); !note.empty())
      observer_.noted(note);
    if (device_.is_cpu() && recipe_.trainer.precision != "fp32")
      observer_.noted("precision: fp32, not " + recipe_.trainer.precision + ": the run is on the CPU");
    const StopsInGoodOrder from_here;  // before this there is nothing to lose
    seconds_ = checkpoints_->resume(*trainer_, *best_);
    observer_.started(parameter_count(*net_), trainer_->steps_done());
    train();
    Outcome outcome{.step = trainer_->steps_done(), .metrics = training_metrics()};
    if (best_->keeps()) take_best(outcome);
    if (recipe_.quantisation.packs()) pack(outcome);
    if (evaluate(outcome)) sample();
    return outcome;
  }

  int64_t step() const { return trainer_ ? trainer_->steps_done() : 0; }
  std::vector<OpUse> ops() const { return ops_.uses(); }

 private:
  bool stop_asked() const { return options_.stop != nullptr && options_.stop->load(); }

  void train();
  void judge(const StepResult& result) const;
  std::string words_on_best() const;
  void estimate(int64_t step);
  void checkpoint();
  void end_before(const TrainerConfig& config);
  void take_best(Outcome& outcome);
  void pack(Outcome& outcome);
  bool evaluate(Outcome& outcome);
  void sample();
  Metrics training_metrics() const;

  const Recipe& recipe_;
  const ExperimentOptions& options_;
  Observer& observer_;
  OpPaths ops_;
  at::Device device_;
  TaskUse use_;
  std::shared_ptr<Task> task_;
  std::unique_ptr<OpenTask> open_task_;
  std::shared_ptr<Net> net_;
  std::optional<Trainer> trainer_;
  std::optional<BestWeights> best_;
  std::optional<RunCheckpoints> checkpoints_;
  double seconds_ = 0;  // of training, over all starts
};

// Behind the message of a run that ended early: which of its weights can be used.
std::string Experiment::words_on_best() const {
  if (!best_->keeps()) return "";
  if (best_->step() == 0) return "; no best weights: no estimate had counted yet";
  return fmt::format("; the best weights are those of step {}", best_->step());
}

// NaN and divergence end a run; the step that showed them moved nothing.
void Experiment::judge(const StepResult& result) const {
  if (result.skipped) return;
  const int64_t step = trainer_->steps_done() + (result.finite() ? 0 : 1);
  if (!result.finite()) {
    // The sign of a NaN has no meaning, and differs between machines.
    throw Ended{
        {.status = Status::nan,
         .step = step,
         .message = fmt::format("step {}: loss = {}, gradient norm = {}{}", step, std::abs(result.loss),
                                std::abs(result.gradient_norm), words_on_best())}};
  }
  const double untrained = task_->untrained_loss(), multiple = recipe_.trainer.diverged_above;
  if (multiple > 0 && result.loss > multiple * untrained) {
    throw Ended{
        {.status = Status::diverged,
         .step = step,
         .message = fmt::format("step {}: loss = {:.4f}: above {} times {:.4f}, what an untrained answer "
                                "costs{}",
                                step, result.loss, multiple, untrained, words_on_best())}};
  }
}

void Experiment::checkpoint() {
  checkpoints_->write(*trainer_, *best_, seconds_);
  observer_.counted(ops_.uses());
}

// What ends a run between two steps; it can go on from there.
void Experiment::end_before(const TrainerConfig& config) {
  const bool is_late = config.time_limit && seconds_ >= *config.time_limit;
  if (!stop_asked() && !is_late) return;
  checkpoint();
  const int64_t step = trainer_->steps_done();
  if (stop_asked())
    throw Ended{{.status = Status::stopped, .step = step, .message = "stopped on request; resumable"}};
  throw Ended{
      {.status = Status::time_out,
       .step = step,
       .message = fmt::format("step {}: {:.1f} s of training: at least trainer.time_limit = {:g} s; a "
                              "longer limit goes on from here{}",
                              step, seconds_, *config.time_limit, words_on_best())}};
}

void Experiment::train() {
  const TrainerConfig& config = recipe_.trainer;
  const auto start = Clock::now();
  for (bool is_first = true; trainer_->steps_done() < trainer_->steps(); is_first = false) {
    end_before(config);
    if (options_.checkpoint != nullptr && options_.checkpoint->exchange(false)) checkpoint();
    const auto before = Clock::now();
    const StepResult result = trainer_->step();
    seconds_ += seconds_since(before);
    if (is_first) checkpoints_->check_machine();
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
    if ((config.evaluate_every > 0 && step % config.evaluate_every == 0) || best_->is_due(step))
      estimate(step);
    if (last || (config.checkpoint_every > 0 && step % config.checkpoint_every == 0)) checkpoint();
  }
}

void Experiment::estimate(int64_t step) {
  const Metrics estimates = open_task_->estimate(*net_);
  observer_.measured(step, estimates);
  const double loss = estimates.at("valid.loss_estimate");
  if (!best_->improves(step, loss)) return;
  Checkpoint weights = checkpoints_->outline(*trainer_, seconds_);
  for (const auto& [name, tensor] : model_tensors(*net_)) weights.tensors["model/" + name] = tensor;
  best_->keep(std::move(weights), loss);
  if (!options_.checkpoints.empty()) observer_.checkpointed(step, best_->file());
}

// The weights that are measured. Nothing is trained or checkpointed after this.
void Experiment::take_best(Outcome& outcome) {
  if (best_->step() == 0)
    return observer_.noted("no best weights: no estimate was a number; the last weights are measured");
  const Checkpoint best = best_->read();
  load_model(*net_, best.tensors);
  best_->load(
      best);  // on a device whose sums vary the file may be of a later estimate than the last resume knew
  outcome.metrics["valid.best_step"] = static_cast<double>(best_->step());
  outcome.metrics["valid.best_loss_estimate"] = best_->loss();
  observer_.noted(fmt::format("measuring the best weights, those of step {}: valid.loss_estimate {:.4f}",
                              best_->step(), best_->loss()));
}

// Few bits a weight from here on; the checkpoints that the run goes on from stay dense.
void Experiment::pack(Outcome& outcome) {
  const PackedMatrices matrices = trained_matrices(*net_, recipe_, *open_task_);
  const Checkpoint file = packed_checkpoint(checkpoints_->outline(*trainer_, seconds_), *net_, matrices,
                                            recipe_.quantisation.method);
  const Metrics metrics = pack_trained(*net_, matrices, recipe_, use_);
  outcome.metrics.insert(metrics.begin(), metrics.end());
  if (options_.checkpoints.empty()) return;
  write_checkpoint(options_.checkpoints / kPackedCheckpoint, file);
  observer_.checkpointed(outcome.step, options_.checkpoints / kPackedCheckpoint);
}

Metrics Experiment::training_metrics() const {
  Metrics metrics = {{"train.seconds", seconds_},
                     {"train.tokens", static_cast<double>(trainer_->tokens_seen())},
                     {"model.parameters", static_cast<double>(parameter_count(*net_))},
                     {"model.flops", net_->flops(recipe_.shape.length)}};
  if (trainer_->steps_done() > 0) metrics["train.loss"] = trainer_->average_loss();
  if (trainer_->scaler()) metrics["train.skipped_steps"] = static_cast<double>(trainer_->scaler()->skipped());
  if (seconds_ > 0) metrics["train.tokens_per_s"] = static_cast<double>(trainer_->tokens_seen()) / seconds_;
  return metrics;
}

// The final measurements; false where one of them made the outcome another than done.
bool Experiment::evaluate(Outcome& outcome) {
  TaskUse use = use_;  // no more windows at once than training had
  use.batch = use.at_once(), use.parts = 1;
  for (const Measurement& measurement : task_->measurements(use)) {
    if (measurement.split == "train") continue;
    if (stop_asked()) {
      outcome.status = Status::stopped,
      outcome.message = "stopped on request before the final evaluation; resumable";
      return false;
    }
    const Metrics measured = measurement.measure(*net_);
    outcome.metrics.insert(measured.begin(), measured.end());
    for (const auto& [name, value] : measured) {
      if (name.find(".loss") == std::string::npos || std::isfinite(value)) continue;
      outcome.status = Status::nan, outcome.message = fmt::format("{}: loss = {}", measurement.name, value);
      return false;
    }
  }
  if (const auto peak = peak_mib(device_)) outcome.metrics["train.peak_mib"] = *peak;
  if (device_.is_cpu()) outcome.metrics["train.peak_tensors_mib"] = peak_tensors_mib();
  observer_.measured(outcome.step, outcome.metrics);
  return true;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// The run is measured by now; whatever fails here fails no run.
void Experiment::sample() {
  if (recipe_.samples.tokens == 0) return;
  try {
    const std::string text = sample_text(*net_, recipe_, device_);
    observer_.sampled(trainer_->steps_done(), text);
  } catch (const std::exception& error) {
    observer_.noted("no sample text: " + first_line(error.what()));
  }
}

// LibTorch's allocator on the CPU has no class of its own for a refusal.
bool is_out_of_memory(const c10::Error& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  const std::string text = error.what_without_backtrace();
  return text.find("can't allocate memory") != std::string::npos ||
         text.find("not enough memory") != std::string::npos;
}

}  // namespace

// Those of the validation split, under the first protocol; counts are not estimated.
static std::vector<MetricInfo> estimated_metrics(const Task& task) {
  std::vector<std::string> protocols;
  for (const Protocol& each : task.protocols())
    if (protocols.empty()) protocols.push_back(each.name);
  std::vector<MetricInfo> all = task.metrics(protocols);
  std::erase_if(all, [](const MetricInfo& each) { return !each.name.starts_with("valid.") || each.goal.empty(); });
  return all;
}

std::vector<MetricInfo> reported_metrics(const Recipe& recipe) {
  const std::shared_ptr<Task> task = make_task(recipe);
  std::vector<MetricInfo> all = task->metrics(recipe.trainer.protocols);
  for (const std::string split : {"valid", "train"}) {
    if (split == "train" && !recipe.trainer.evaluate_train) continue;
    for (const MetricInfo& each : estimated_metrics(*task))
      all.push_back({split + each.name.substr(each.name.find('.')) + "_estimate",
                     each.help + ", a few batches while it trains", each.goal});
  }
  const std::vector<MetricInfo> training = {
      {"train.loss", "mean loss of about the last fifty steps, nats per answer", "min"},
      {"train.seconds", "seconds of optimiser steps, without evaluations", "min"},
      {"train.tokens", "input positions trained on", ""},
      {"train.tokens_per_s", "the same a second", "max"},
      {"train.peak_mib", "largest memory of the process, or of the device, MiB", "min"},
      {"train.peak_tensors_mib", "largest memory of all tensors at once, MiB", "min"},
      {"train.skipped_steps", "steps that overflowed under a scaled loss; of fp16", "min"},
      {"model.parameters", "values that learn", ""},
      {"model.flops", "of one forward pass over one sequence", ""},
      {"valid.best_step", "step whose weights are measured, where best weights are kept", ""},
      {"valid.best_loss_estimate", "the estimate that chose it", "min"}};
  all.insert(all.end(), training.begin(), training.end());
  const std::vector<MetricInfo> packed = packed_metrics(recipe);
  all.insert(all.end(), packed.begin(), packed.end());
  return all;
}

Outcome run_experiment(const Recipe& recipe, const ExperimentOptions& options) {
  Observer nobody;
  Observer& observer = options.observer != nullptr ? *options.observer : nobody;
  prepare_tensors(static_cast<int>(recipe.trainer.threads));
  reset_tensor_peak();
  std::optional<Experiment> experiment;
  Outcome outcome;
  const auto failed = [&](Status status, const std::string& message) {
    outcome = {.status = status, .step = experiment ? experiment->step() : 0, .message = message};
  };
  try {
    experiment.emplace(recipe, options, observer);
    outcome = experiment->run();
  } catch (const Ended& ended) {
    outcome = ended.outcome;
  } catch (const std::bad_alloc&) {
    failed(Status::out_of_memory, "the system has no memory left");
  } catch (const c10::Error& error) {
    failed(is_out_of_memory(error) ? Status::out_of_memory : Status::failed,
           first_line(error.what_without_backtrace()));
  }
  if (experiment) observer.counted(experiment->ops());
  observer.ended(outcome);
  return outcome;
}

}  // namespace subband
