#include "experiments/training/checkpoints/best_weights.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace subband {

constexpr const char* kState = "state/best_estimate";  // [2] float64: loss, step

BestWeights::BestWeights(const Plan& plan, std::filesystem::path folder)
    : plan_(plan), folder_(std::move(folder)) {}

bool BestWeights::is_due(int64_t step) const {
  return plan_.keeps && (step == plan_.steps || (plan_.epoch > 0 && step % plan_.epoch == 0));
}

bool BestWeights::improves(int64_t step, double loss) const {
  const bool counts = plan_.keeps && (!plan_.after_warmup || step >= plan_.warmup || is_due(step));
  return counts && loss < loss_;
}

void BestWeights::keep(Checkpoint weights, double loss) {
  loss_ = loss;
  step_ = weights.step;
  save(weights);  // so that the file tells its own estimate
  if (!folder_.empty()) return write_checkpoint(file(), weights);
  for (auto& [name, tensor] : weights.tensors) tensor = tensor.clone();
  held_ = std::move(weights);
}

Checkpoint BestWeights::read() const { return held_ ? *held_ : read_checkpoint(file()); }

void BestWeights::check_file() const {
  if (!plan_.keeps || step_ == 0 || held_) return;
  try {
    read();
  } catch (const Error& error) {
    throw Error(file().string(), "the best weights, those of step " + std::to_string(step_) +
                                     ", cannot be read: " + error.first().message +
                                     "; --force computes the run again");
  }
}

void BestWeights::save(Checkpoint& checkpoint) const {
  if (step_ > 0)
    checkpoint.tensors[kState] = at::tensor({loss_, static_cast<double>(step_)}, at::kDouble);
}

void BestWeights::load(const Checkpoint& checkpoint) {
  const auto found = checkpoint.tensors.find(kState);
  if (found == checkpoint.tensors.end()) return;
  const double* values = found->second.const_data_ptr<double>();
  loss_ = values[0];
  step_ = static_cast<int64_t>(values[1]);
}

}  // namespace subband
