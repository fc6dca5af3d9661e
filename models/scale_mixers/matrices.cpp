#include "models/scale_mixers/matrices.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "core/ops/lifting/gated_product.h"

namespace subband::scale_mixers {

namespace {

constexpr double kGateDeviation = 0.02;
constexpr double kLowRankDeviation = 0.01;

at::Tensor activate(const at::Tensor& x, const std::string& gate) {
  if (gate == "sigmoid") return at::sigmoid(x);
  if (gate == "silu") return at::silu(x);
  if (gate == "gelu") return at::gelu(x);
  return at::relu(x);
}

}  // namespace

Matrices::Matrices(const MatricesConfig& config, int64_t width, const BlockContext& context) {
  Initializer& initializer = *context.initializer;
  const Purpose mixing{.role = Role::mixing, .scale = config.scale};
  const Purpose gating{.role = Role::gate, .scale = config.scale};
  const auto square = [&](const Purpose& purpose) {
    const ProjectionPlan plan{.purpose = purpose, .in = width, .out = width, .bias = false};
    return std::make_shared<Projection>(initializer, plan);
  };
  at::Tensor m;
  if (context.stabilizers.spectral_norm) {
    spectral_ =
        register_module("mixer", std::make_shared<SpectralLinear>(initializer, mixing, width, context.noise));
    m = spectral_->original.detach();
  } else {
    stored_ = register_module("mixer", square(mixing));
    m = stored_->first_weight();
  }
  if (config.gate != "none") gate = register_module("gate", square(gating));
  double noise = config.noise;
  if (context.stabilizers.mixer_epsilon) noise /= std::sqrt(static_cast<double>(width));
  const at::Tensor drawn = initializer.normal({width, width}, 0, 1);
  m.copy_(config.exponential ? drawn : initializer.eye(width, width) + drawn * noise);
  if (gate) initializer.normal_(gate->first_weight(), 0, kGateDeviation);
  if (config.low_rank > 0) {
    const auto factor = [&](const char* name) {
      return add_parameter(name, initializer.normal({width, config.low_rank}, 0, kLowRankDeviation),
                           {.role = Role::low_rank, .scale = config.scale});
    };
    u = factor("U");
    v = factor("V");
  }
  if (config.bias)
    bias = add_parameter("bias", initializer.zeros({width}), {.role = Role::bias, .scale = config.scale});
  if (config.exponential)
    log_scale_ = add_parameter("log_scale", initializer.full({width}, std::log(noise)),
                               {.role = Role::gain, .scale = config.scale});
  if (spectral_) spectral_->start(initializer);
}

std::shared_ptr<Projection> Matrices::plain() const { return log_scale_.defined() ? nullptr : stored_; }

bool Matrices::is_plain() const { return (!stored_ || stored_->is_plain()) && (!gate || gate->is_plain()); }

at::Tensor Matrices::mixer() {
  if (spectral_) return spectral_->weight();
  const at::Tensor n = stored_->dense();
  if (!log_scale_.defined()) return n;
  return at::eye(n.size(0), n.options().requires_grad(false)) + log_scale_.exp().unsqueeze(1) * n;
}

double Matrices::flops() const {
  const double low = u.defined() ? 4.0 * static_cast<double>(u.numel()) : 0;
  const double mixing = stored_ ? stored_->flops(1) : 2.0 * static_cast<double>(spectral_->original.numel());
  return mixing + (gate ? gate->flops(1) : 0) + low;
}

static std::optional<GateKind> kind_of(const std::string& gate) {
  if (gate == "sigmoid") return GateKind::sigmoid;
  if (gate == "silu") return GateKind::silu;
  if (gate == "gelu") return GateKind::gelu;
  if (gate == "relu") return GateKind::relu;
  return std::nullopt;
}

static std::vector<GatedMatrices> tensors_of(std::span<const std::shared_ptr<Matrices>> scales) {
  std::vector<GatedMatrices> all;
  for (const auto& m : scales) all.push_back({m->mixer(), m->gate->dense(), m->u, m->v, m->bias});
  return all;
}

at::Tensor mix(std::span<const std::shared_ptr<Matrices>> scales, const std::string& gate,
               const at::Tensor& x, const at::Tensor& gate_input) {
  const auto stacked = [&](auto&& tensor_of) {
    std::vector<at::Tensor> tensors;
    for (const auto& scale : scales) tensors.push_back(tensor_of(*scale));
    return at::stack(tensors);
  };
  const auto projections = [&](auto&& projection_of) {
    std::vector<std::shared_ptr<Projection>> all;
    for (const auto& scale : scales) all.push_back(projection_of(*scale));
    return all;
  };
  const bool are_plain = std::ranges::all_of(scales, [](const auto& each) { return each->is_plain(); });
  if (const auto kind = kind_of(gate); kind && are_plain && x.is_same(gate_input))
    return gated_product(x, tensors_of(scales), *kind);
  at::Tensor y = scales[0]->plain()
                     ? apply_each(projections([](Matrices& m) { return m.plain(); }), x)
                     : at::bmm(x, stacked([](Matrices& m) { return m.mixer(); }).transpose(1, 2));
  if (gate != "none")
    y = y * activate(apply_each(projections([](Matrices& m) { return m.gate; }), gate_input), gate);
  if (scales[0]->u.defined()) {
    const at::Tensor low = at::bmm(x, stacked([](Matrices& m) { return m.v; }));
    y = at::baddbmm(y, low, stacked([](Matrices& m) { return m.u; }).transpose(1, 2));
  }
  if (scales[0]->bias.defined()) y = y + stacked([](Matrices& m) { return m.bias; }).unsqueeze(1);
  return y;
}

}  // namespace subband::scale_mixers
