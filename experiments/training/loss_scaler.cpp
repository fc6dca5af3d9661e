#include "experiments/training/loss_scaler.h"

#include <ATen/ATen.h>

#include <limits>

namespace subband {

constexpr double kGrowth = 2, kBackoff = 0.5;
constexpr int64_t kGrowthInterval = 2000;

void LossScaler::update(bool has_overflowed) {
  if (has_overflowed) {
    scale_ *= kBackoff;
    clean_ = 0;
    ++skipped_;
    return;
  }
  if (++clean_ < kGrowthInterval) return;
  clean_ = 0;
  // PyTorch keeps the scale in fp32 and stops where that ends.
  if (scale_ * kGrowth <= std::numeric_limits<float>::max()) scale_ *= kGrowth;
}

at::Tensor LossScaler::state() const {
  return at::tensor({scale_, static_cast<double>(clean_), static_cast<double>(skipped_)}, at::kDouble);
}

void LossScaler::load(const at::Tensor& state) {
  const double* values = state.const_data_ptr<double>();
  scale_ = values[0];
  clean_ = static_cast<int64_t>(values[1]);
  skipped_ = static_cast<int64_t>(values[2]);
}

}  // namespace subband
