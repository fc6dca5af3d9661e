#include "analysis/bench/stepper.h"

#include <ATen/ATen.h>

#include <chrono>
#include <functional>
#include <optional>

#include "analysis/bench/peer_process.h"
#include "core/files.h"
#include "core/tensors/kept_memory.h"
#include "core/tensors/safetensors.h"
#include "experiments/training/checkpoints/checkpoint.h"
#include "experiments/training/trainer.h"

namespace subband {

namespace steppers {

using Clock = std::chrono::steady_clock;

constexpr int64_t kManySteps = 100000;  // the schedule is that of a long run
constexpr int64_t kPeerBatches = 16;
constexpr double kBytesPerMib = 1 << 20;

static double milliseconds(const std::function<void()>& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

class OwnStepper final : public Stepper {
 public:
  OwnStepper(const Recipe& recipe, ForcedPaths forced, const std::filesystem::path& cache, StepRow& row)
      : forced_(std::move(forced)),
        row_(row),
        task_(make_task(recipe)),
        open_(task_->open(task_use(recipe, at::kCPU, cache))) {
    for (const auto& [op, path] : recipe.ops.forced()) forced_.emplace(op, path);
    net_ = make_net(recipe);
    trainer_.emplace(recipe, *net_, *open_, Trainer::Plan{.steps = kManySteps});
  }

  double first_loss() override {
    const OpPaths paths(forced_);
    const int64_t before = tensor_memory().used_bytes;
    reset_tensor_peak();
    const double loss = trainer_->step().loss;
    row_.peak_mib = static_cast<double>(tensor_memory().peak_bytes - before) / kBytesPerMib;
    for (const OpUse& use : paths.uses()) row_.ops.push_back(op_use_text(use));
    return loss;
  }
  double step_ms() override {
    const OpPaths paths(forced_);
    return milliseconds([&] { trainer_->step(); });
  }

 private:
  ForcedPaths forced_;
  StepRow& row_;
  std::shared_ptr<Task> task_;
  std::unique_ptr<OpenTask> open_;
  std::shared_ptr<Net> net_;
  std::optional<Trainer> trainer_;
};

class PeerStepper final : public Stepper {
 public:
  PeerStepper(const std::vector<std::string>& command, StepRow& row) : peer_(command) {
    const Json ready = peer_.heard();
    loss_ = ready.at("loss").get<double>();
    row.compile_s = ready.at("seconds").get<double>();
    row.name += " (torch " + ready.at("torch").get<std::string>() + ")";
  }
  double first_loss() override { return loss_; }
  double step_ms() override { return peer_.ask("step").at("ms").get<double>(); }

 private:
  PeerProcess peer_;
  double loss_ = 0;
};

}  // namespace steppers

std::unique_ptr<Stepper> own_stepper(const Recipe& recipe, const ForcedPaths& forced, const std::filesystem::path& cache,
                                     StepRow& row) {
  return std::make_unique<steppers::OwnStepper>(recipe, forced, cache, row);
}

std::unique_ptr<Stepper> peer_stepper(const std::vector<std::string>& command, StepRow& row) {
  return std::make_unique<steppers::PeerStepper>(command, row);
}

void write_step_inputs(const Recipe& recipe, const std::filesystem::path& folder) {
  const auto net = make_net(recipe);
  write_safetensors(folder / "weights.safetensors", model_tensors(*net));
  const auto open = make_task(recipe)->open(task_use(recipe, at::kCPU, folder));
  std::vector<at::Tensor> inputs, targets;
  for (uint64_t i = 0; i < steppers::kPeerBatches; ++i) {
    const Batch& batch = open->draw(i);
    inputs.push_back(batch.inputs_BL.clone()), targets.push_back(batch.targets_BL.clone());
  }
  write_safetensors(folder / "batches.safetensors", {{"inputs", at::stack(inputs)}, {"targets", at::stack(targets)}});
  write_file(folder / "recipe.json", config::to_json(recipe.resolved));
}

}  // namespace subband
