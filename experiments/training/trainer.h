// The training of a net, one optimiser step at a time.
#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "experiments/recipe.h"
#include "experiments/task.h"
#include "experiments/training/checkpoints/checkpoint.h"
#include "experiments/training/loss_scaler.h"

namespace subband {

/// What one step did. Where loss or norm is not finite, no weight was moved.
struct StepResult {
  double loss = 0;           ///< nats per answer, mean over the step's micro-batches
  double rate = 0;           ///< learning rate used
  double gradient_norm = 0;  ///< global L2 norm before clipping
  bool skipped = false;      ///< an overflow under loss scaling: the step counts, but moved nothing
  bool finite() const;
};

/// Net, optimiser, schedule and position in the data. Everything it draws is a pure function of seed and step, so
/// weights, optimiser state, carried state and step count are all that a checkpoint needs.
class Trainer {
 public:
  struct Plan {
    int64_t steps = 1;  ///< of the whole run
    at::Device device = at::kCPU;
    bool scales_loss = false;  ///< as fp16 needs it
  };
  /// `recipe`, `net` and `task`, which hands out the batches of the recipe's task, must outlive this; `net` is on
  /// `plan.device` already.
  Trainer(const Recipe& recipe, Net& net, OpenTask& task, Plan plan);

  /// zero gradients → for each micro-batch: forward, loss / accumulate, (scaled) backward → unscale → clip → update at
  /// the schedule's rate → the scale's update. Under `split` a micro-batch is the sum of its parts, each weighted by its
  /// share of the answers.
  StepResult step();

  int64_t steps_done() const { return steps_done_; }
  int64_t steps() const { return plan_.steps; }
  int64_t tokens_seen() const { return steps_done_ * tokens_per_step(); }
  int64_t tokens_per_step() const;
  double average_loss() const;  ///< of the last steps, exponentially weighted over about fifty
  int64_t warmup() const { return schedule_->warmup(); }
  const std::optional<LossScaler>& scaler() const { return scaler_; }

  /// Puts model, optimiser and state tensors, step and tokens in; and takes them out again.
  void save(Checkpoint& checkpoint) const;
  void load(const Checkpoint& checkpoint);

 private:
  at::Tensor forward_and_backward();  ///< the loss, a scalar
  at::Tensor backward_of(const Batch& batch, SequenceState* state, double share);
  void draw_noise_from(uint64_t micro_batch);
  SequenceState* carried_to(const Batch& batch, size_t part);  ///< null where windows hand nothing on
  std::vector<at::Tensor> gradients() const;
  StepResult leave_out(StepResult result);
  void remember(double loss);

  const Recipe& recipe_;
  std::shared_ptr<const Task> objective_;
  Net& net_;
  OpenTask& task_;
  Plan plan_;
  std::vector<at::Tensor> parameters_;
  std::shared_ptr<Optimizer> optimizer_;
  std::shared_ptr<Schedule> schedule_;
  std::optional<LossScaler> scaler_;
  int64_t steps_done_ = 0;
  std::vector<SequenceState> states_;  // what the last windows of each part have left
  at::Tensor average_;                 // [2] float64: weighted sum of losses, sum of weights
};

/// Optimiser steps of an epoch: ⌊batches of an epoch / accumulate⌋; 0 where it never ends.
int64_t steps_per_epoch(const TrainerConfig& config, const OpenTask& task);
/// Optimiser steps of a run: as given, or ⌊epochs · ⌊batches of an epoch / accumulate⌋⌋. ConfigError where that is none.
int64_t planned_steps(const TrainerConfig& config, const OpenTask& task);
/// What the last, incomplete step of `epochs` would have been, in a sentence; empty where there is none.
std::string left_out_note(const TrainerConfig& config, const OpenTask& task);

}  // namespace subband
