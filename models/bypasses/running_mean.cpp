// The mean of all positions so far, restarted at every window.
//   m_t = (x_0 + ... + x_t) / (t + 1),   z_s += pad(gains_s ⊙ (m + W previous))
// Shapes  B batch, L length, C width, S scales; W [C,C]; gains [S,C]
// Cost    C² + S C parameters; 2 C flops per position and C² for the block before
// Source  WaveletLM, decompose bypass
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cumsum.h>

#include "core/ops/sequence/running_mean.h"
#include "models/bypass.h"
#include "models/bypasses/history.h"

namespace subband::bypasses::running_mean {

using Config = HistoryConfig;

class RunningMean final : public Bypass {
 public:
  RunningMean(const Config& config, const BlockContext& context)
      : config_(config), history_(*this, context) {}

  // Summed in fp32 at least: a half-precision sum over a long window stalls.
  at::Tensor summary(const at::Tensor& x_BLC, const Pass& pass) override {
    const auto wide = x_BLC.element_size() < 4 ? at::kFloat : x_BLC.scalar_type();
    const int64_t length = x_BLC.size(1), before = pass.position();
    if (!pass.state || (before == 0 && !pass.memory()->value("bypass").defined())) {
      if (pass.state) pass.memory()->put("bypass", x_BLC.sum(1, false, wide));
      return subband::running_mean(x_BLC);
    }
    at::Tensor sums = x_BLC.cumsum(1, wide);
    if (LayerState* memory = pass.memory()) {
      if (const at::Tensor sum = memory->value("bypass"); sum.defined()) sums = sums + sum.unsqueeze(1);
      memory->put("bypass", sums.select(1, length - 1));
    }
    const auto options = x_BLC.options().dtype(wide).requires_grad(false);
    return sums / at::arange(before + 1, before + length + 1, options).unsqueeze(1);
  }

  ScaleBias bias(const at::Tensor& summary_BLC, const at::Tensor& previous) override {
    return history_.bias(summary_BLC, previous);
  }
  double flops(int64_t length, bool after_another) const override {
    return 2.0 * static_cast<double>(length * history_.width()) + history_.flops(length, after_another);
  }
  int64_t state_bytes(int64_t bytes_per_value) const override {
    return history_.width() * sum_bytes(bytes_per_value);
  }
  bool crosses_windows() const override { return config_.cross_window; }

 private:
  Config config_;
  History history_;
};

void add_to(BypassRegistry& r) {
  r.add<RunningMean, Config>({.name = "running_mean",
                              .summary = "the mean of all positions so far, per scale gain",
                              .source = "WaveletLM, decompose bypass",
                              .cost = "C^2 + S C parameters",
                              .version = 2});
}

}  // namespace subband::bypasses::running_mean
