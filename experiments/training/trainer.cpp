#include "experiments/training/trainer.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/detail/AcceleratorHooksInterface.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "core/ops/optimizer/clipped_update.h"
#include "core/tensors/autocast.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/random.h"
#include "experiments/training/checkpoints/former_names.h"
#include "models/layers/weight_matrix.h"

namespace subband {

// Weight of the past in the average loss: the last fifty steps make nearly two thirds of it.
static constexpr double kAverageDecay = 0.98;

// Names of what is carried from window to window begin so; `state/carried.2/` for the third part of a batch.
static std::string carried_prefix(size_t part) {
  return part == 0 ? "state/carried/" : "state/carried." + std::to_string(part) + "/";
}

// The windows [first, first + count) of a batch.
static Batch windows_of(const Batch& batch, int64_t first, int64_t count) {
  return {.inputs_BL = batch.inputs_BL.narrow(0, first, count),
          .targets_BL = batch.targets_BL.narrow(0, first, count),
          .keep_BL = batch.keep_BL.defined() ? batch.keep_BL.narrow(0, first, count) : at::Tensor(),
          .restarts = batch.restarts};
}

// A batch, or its parts: as large as each other, but for one window.
static std::vector<Batch> parts_of(const Batch& batch, int64_t most) {
  const int64_t windows = batch.targets_BL.size(0), count = std::min(most, windows);
  if (count <= 1) return {batch};
  std::vector<Batch> parts;
  int64_t first = 0;
  for (int64_t part = 0; part < count; ++part) {
    const int64_t size = windows / count + (part < windows % count ? 1 : 0);
    parts.push_back(windows_of(batch, first, size));
    first += size;
  }
  return parts;
}

// Each part's share of the answers that a batch asks for: the loss is a mean over them.
static std::vector<double> answer_shares(const std::vector<Batch>& parts) {
  if (parts.size() == 1) return {1.0};
  std::vector<at::Tensor> counts;
  for (const Batch& part : parts) counts.push_back(part.targets_BL.ne(kNoTarget).sum());
  const at::Tensor all = at::stack(counts).to(at::kDouble).cpu();
  std::vector<double> shares(all.const_data_ptr<double>(), all.const_data_ptr<double>() + all.numel());
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  for (double& share : shares) share /= sum;
  return shares;
}

bool StepResult::finite() const { return std::isfinite(loss) && std::isfinite(gradient_norm); }

Trainer::Trainer(const Recipe& recipe, Net& net, OpenTask& task, Plan plan)
    : recipe_(recipe),
      objective_(make_task(recipe)),
      net_(net),
      task_(task),
      plan_(plan),
      parameters_(net.parameters()),
      optimizer_(recipe.optimizer.make({parameters_of(net)})),
      schedule_(recipe.schedule.make({.steps = plan.steps, .peak = optimizer_->peak_rate()})),
      states_(static_cast<size_t>(recipe.trainer.split)),
      average_(at::zeros({2}, at::TensorOptions(at::kDouble))) {
  if (recipe.trainer.checkpoint_activations && !net.can_recompute())
    throw ConfigError("",
                      "trainer.checkpoint_activations = true: must be false with net " + recipe.net.type() +
                          ", which cannot compute its blocks again",
                      "bad_value");
  if (const auto packed = first_packed(net))
    throw ConfigError("", "net: packed " + *packed + ": packed weights are not trained", "bad_value");
  if (plan.scales_loss) scaler_.emplace();
  net_.set_recompute(recipe.trainer.checkpoint_activations);
  net_.train();
}

int64_t Trainer::tokens_per_step() const {
  return recipe_.trainer.batch * recipe_.trainer.accumulate * recipe_.trainer.length;
}

double Trainer::average_loss() const {
  const double* average = average_.const_data_ptr<double>();
  return average[1] > 0 ? average[0] / average[1] : std::nan("");
}

void Trainer::draw_noise_from(uint64_t micro_batch) {
  const auto seed = static_cast<uint64_t>(recipe_.seed);
  if (plan_.device.is_cpu()) return net_.set_generator(stream(seed, "noise", micro_batch));
  at::Generator generator = at::globalContext()
                                .getAcceleratorHooksInterface(plan_.device.type())
                                .getNewGenerator(plan_.device.index());
  generator.set_current_seed(stream_seed(seed, "noise", micro_batch));
  net_.set_generator(generator);
}

SequenceState* Trainer::carried_to(const Batch& batch, size_t part) {
  if (net_.carries() == Carry::nothing) return nullptr;
  SequenceState& state = states_[part];
  if (batch.restarts) state = SequenceState();
  if (net_.carries() == Carry::across) state.next_window();
  state.detach();
  return &state;
}

// The loss as the step counts it; `share`: of the micro-batch.
at::Tensor Trainer::backward_of(const Batch& batch, SequenceState* state, double share) {
  at::Tensor loss;
  {
    const Autocast autocast(recipe_.trainer.precision);
    loss = objective_->loss(net_, batch, state);
  }
  if (recipe_.trainer.accumulate > 1) loss = loss.div(static_cast<double>(recipe_.trainer.accumulate));
  if (share != 1) loss = loss.mul(share);
  in_part("backward", [&] { (scaler_ ? loss.mul(scaler_->scale()) : loss).backward(); });
  return loss.detach();
}

at::Tensor Trainer::forward_and_backward() {
  // Undefined gradients, not zeros: backward then hands its own buffers over instead of adding to ours, and a
  // parameter that a step does not use is not moved by weight decay.
  for (at::Tensor& parameter : parameters_) parameter.mutable_grad() = at::Tensor();
  const int64_t passes = recipe_.trainer.accumulate;
  at::Tensor total;
  for (int64_t pass = 0; pass < passes; ++pass) {
    const auto micro_batch = static_cast<uint64_t>(steps_done_ * passes + pass);
    draw_noise_from(micro_batch);
    const std::vector<Batch> parts =
        in_part("data", [&] { return parts_of(task_.draw(micro_batch), recipe_.trainer.split); });
    const std::vector<double> shares = answer_shares(parts);
    for (size_t part = 0; part < parts.size(); ++part) {
      if (shares[part] == 0) continue;  // no answer of it is asked for: it has no mean
      const at::Tensor loss = backward_of(parts[part], carried_to(parts[part], part), shares[part]);
      total = total.defined() ? total.add(loss) : loss;
    }
  }
  return total;
}

std::vector<at::Tensor> Trainer::gradients() const {
  std::vector<at::Tensor> gradients;
  gradients.reserve(parameters_.size());
  for (const at::Tensor& parameter : parameters_) {
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  }
  return gradients;
}

StepResult Trainer::step() {
  const RecordedPart whole("step");
  const at::Tensor loss = forward_and_backward();
  const c10::NoGradGuard no_gradients;
  const std::vector<at::Tensor> gradients = this->gradients();
  if (scaler_ && !gradients.empty()) at::_foreach_mul_(gradients, 1 / scaler_->scale());
  const at::Tensor norm = in_part("gradient norm", [&] { return gradient_norm(gradients).to(loss.device()); });
  // The one place where a step waits for its device.
  const at::Tensor both = at::stack({loss.to(at::kDouble), norm.to(at::kDouble)}).cpu();
  StepResult result{.loss = both.const_data_ptr<double>()[0],
                    .rate = schedule_->rate(steps_done_),
                    .gradient_norm = both.const_data_ptr<double>()[1]};
  if (!result.finite()) return scaler_ ? leave_out(result) : result;
  in_part("optimizer", [&] {
    optimizer_->step(schedule_->rates(steps_done_, optimizer_->groups()), {norm, recipe_.trainer.clip_norm});
  });
  if (scaler_) scaler_->update(false);
  remember(result.loss);
  ++steps_done_;
  return result;
}

// An overflow: the schedule goes on, weights and optimiser do not.
StepResult Trainer::leave_out(StepResult result) {
  scaler_->update(true);
  if (scaler_->is_lost()) return result;
  result.skipped = true;
  if (std::isfinite(result.loss)) remember(result.loss);
  ++steps_done_;
  return result;
}

void Trainer::remember(double loss) {
  double* average = average_.mutable_data_ptr<double>();
  average[0] = kAverageDecay * average[0] + loss;
  average[1] = kAverageDecay * average[1] + 1;
}

void Trainer::save(Checkpoint& checkpoint) const {
  for (const auto& [name, tensor] : model_tensors(net_)) checkpoint.tensors["model/" + name] = tensor;
  for (const auto& [name, tensor] : optimizer_->state()) checkpoint.tensors["optimizer/" + name] = tensor;
  checkpoint.tensors["state/average_loss"] = average_;
  if (scaler_) checkpoint.tensors["state/loss_scale"] = scaler_->state();
  if (net_.carries() != Carry::nothing)
    for (size_t part = 0; part < states_.size(); ++part)
      for (const auto& [name, tensor] : states_[part].tensors()) checkpoint.tensors[carried_prefix(part) + name] = tensor;
  checkpoint.step = steps_done_;
  checkpoint.tokens = tokens_seen();
}

void Trainer::load(const Checkpoint& checkpoint) {
  refuse_packed(checkpoint, "checkpoint");
  load_model(net_, checkpoint.tensors);
  optimizer_->load(optimizer_state(checkpoint.tensors, net_));
  if (const auto found = checkpoint.tensors.find("state/average_loss"); found != checkpoint.tensors.end()) {
    average_.copy_(found->second);
  }
  const auto scale = checkpoint.tensors.find("state/loss_scale");
  if (scaler_ && scale != checkpoint.tensors.end()) scaler_->load(scale->second);
  if (checkpoint.tensors.contains("state/carried"))
    throw Error("checkpoint", "tensor 'state/carried': is a carried state of an earlier version, which none can go on from");
  for (size_t part = 0; part < states_.size(); ++part) {
    const std::string prefix = carried_prefix(part);
    std::map<std::string, at::Tensor> carried;
    for (const auto& [name, tensor] : checkpoint.tensors)
      if (name.starts_with(prefix)) carried.emplace(name.substr(prefix.size()), tensor.to(plan_.device));
    states_[part] = carried.empty() ? SequenceState() : SequenceState::from(carried);
  }
  steps_done_ = checkpoint.step;
}

int64_t steps_per_epoch(const TrainerConfig& config, const OpenTask& task) {
  return task.batches_per_epoch() / config.accumulate;
}

// Products before rounding: 0.29 epochs of 100 batches are 29, though the product of the two numbers is a little less.
static int64_t planned_batches(const TrainerConfig& config, const OpenTask& task) {
  constexpr double kRounding = 4 * std::numeric_limits<double>::epsilon();
  const double batches = *config.epochs * static_cast<double>(task.batches_per_epoch());
  return static_cast<int64_t>(std::floor(batches * (1 + kRounding)));
}

int64_t planned_steps(const TrainerConfig& config, const OpenTask& task) {
  if (config.steps) return *config.steps;
  if (task.batches_per_epoch() == 0 && task.epoch_text().empty()) {
    throw ConfigError(
        "",
        fmt::format("trainer.epochs = {}: this task never runs out of examples; give trainer.steps",
                    *config.epochs),
        "bad_value");
  }
  const int64_t steps = planned_batches(config, task) / config.accumulate;
  if (steps > 0) return steps;
  throw ConfigError("",
                    fmt::format("trainer.epochs = {}: must make at least one step; an epoch of {} has {}",
                                *config.epochs, task.epoch_text(), steps_per_epoch(config, task)),
                    "bad_value");
}

std::string left_out_note(const TrainerConfig& config, const OpenTask& task) {
  if (config.steps) return "";
  const int64_t batches = planned_batches(config, task), rest = batches % config.accumulate;
  if (rest == 0) return "";
  return fmt::format("trainer.epochs = {}: {} batches are {} steps of {}; the last {} are left out", *config.epochs,
                     batches, batches / config.accumulate, config.accumulate, rest);
}

}  // namespace subband
