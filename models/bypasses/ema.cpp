// An exponential mean whose rate is decided by the input, channel by channel.
//   a_t = sigmoid(W_e x_t + b_e),   m_t = a_t ⊙ m_{t-1} + (1 - a_t) ⊙ x_t,  m_{-1} = 0
// Shapes  B batch, L length, C width, S scales; W_e [C,C]
// Cost    2 C² + (S + 1) C parameters; in plain ATen ceil(log2 L) passes over the sequence
// Source  WaveletLM, decompose bypass, EMA form; a doubling scan over (A, (1 - a) x)
#include <ATen/TensorOperators.h>
#include <ATen/ops/sigmoid.h>

#include "core/ops/sequence/gated_scan.h"
#include "models/bypass.h"
#include "models/bypasses/history.h"

namespace subband::bypasses::ema {

using Config = HistoryConfig;

class Ema final : public Bypass {
 public:
  Ema(const Config& config, const BlockContext& context) : config_(config), history_(*this, context) {
    const ProjectionPlan plan{.purpose = {.role = Role::decay}, .in = context.width, .out = context.width};
    gate_ = register_module("gate", std::make_shared<Projection>(*context.initializer, plan));
    gate_->first_weight().zero_();
    gate_->first_bias().zero_();
  }

  at::Tensor summary(const at::Tensor& x_BLC, const Pass& pass) override {
    const auto wide = x_BLC.element_size() < 4 ? at::kFloat : x_BLC.scalar_type();
    at::Tensor a = at::sigmoid(gate_->forward(x_BLC));
    at::Tensor b = ((1 - a) * x_BLC).to(wide);
    a = a.to(wide);
    LayerState* const memory = pass.memory();
    if (!memory) return gated_scan(a, b);
    gated_scan_paths::compose({a, b});  // a is then the product of all rates so far
    if (const at::Tensor mean = memory->value("bypass"); mean.defined()) b = a * mean.unsqueeze(1) + b;
    memory->put("bypass", b.select(1, x_BLC.size(1) - 1));
    return b;
  }

  ScaleBias bias(const at::Tensor& summary_BLC, const at::Tensor& previous) override {
    return history_.bias(summary_BLC, previous);
  }
  // The gate, and three operations for every value that a pass of the scan changes.
  double flops(int64_t length, bool after_another) const override {
    int64_t changed = 0;
    for (int64_t step = 1; step < length; step *= 2) changed += length - step;
    return gate_->flops(length) + 3.0 * static_cast<double>(changed * history_.width()) +
           history_.flops(length, after_another);
  }
  int64_t state_bytes(int64_t bytes_per_value) const override {
    return history_.width() * sum_bytes(bytes_per_value);
  }
  bool crosses_windows() const override { return config_.cross_window; }

 private:
  Config config_;
  History history_;
  std::shared_ptr<Projection> gate_;
};

void add_to(BypassRegistry& r) {
  r.add<Ema, Config>({.name = "ema",
                      .summary = "an exponential mean with an input-dependent rate",
                      .source = "WaveletLM, decompose bypass, EMA form",
                      .cost = "2 C^2 + (S + 1) C parameters",
                      .version = 2});
}

}  // namespace subband::bypasses::ema
