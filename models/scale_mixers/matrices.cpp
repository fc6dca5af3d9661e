#include "models/scale_mixers/matrices.h"

#include <ATen/ATen.h>

#include <cmath>
#include <vector>

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
  at::Tensor m;
  if (context.stabilizers.spectral_norm) {
    spectral_ = register_module("mixer", std::make_shared<SpectralLinear>(initializer, width, context.noise));
    m = spectral_->original.detach();
  } else {
    plain_ = register_module("mixer", std::make_shared<Linear>(initializer, width, width, false));
    m = plain_->weight.detach();
  }
  if (config.gate != "none")
    gate = register_module("gate", std::make_shared<Linear>(initializer, width, width, false));
  double noise = config.noise;
  if (context.stabilizers.mixer_epsilon) noise /= std::sqrt(static_cast<double>(width));
  const at::Tensor drawn = initializer.normal({width, width}, 0, 1);
  m.copy_(config.exponential ? drawn : initializer.eye(width, width) + drawn * noise);
  if (gate) initializer.normal_(gate->weight, 0, kGateDeviation);
  if (config.low_rank > 0) {
    u = register_parameter("U", initializer.normal({width, config.low_rank}, 0, kLowRankDeviation));
    v = register_parameter("V", initializer.normal({width, config.low_rank}, 0, kLowRankDeviation));
  }
  if (config.bias) bias = register_parameter("bias", initializer.zeros({width}));
  if (config.exponential)
    log_scale_ = register_parameter("log_scale", initializer.full({width}, std::log(noise)));
  if (spectral_) spectral_->start(initializer);
}

at::Tensor Matrices::mixer() {
  if (spectral_) return spectral_->weight();
  if (!log_scale_.defined()) return plain_->weight;
  const at::Tensor& n = plain_->weight;
  return at::eye(n.size(0), n.options().requires_grad(false)) + log_scale_.exp().unsqueeze(1) * n;
}

double Matrices::flops() const {
  int64_t values = plain_ ? plain_->weight.numel() : spectral_->original.numel();
  if (gate) values += gate->weight.numel();
  if (u.defined()) values += 2 * u.numel();
  return 2.0 * static_cast<double>(values);
}

at::Tensor mix(std::span<const std::shared_ptr<Matrices>> scales, const std::string& gate,
               const at::Tensor& x, const at::Tensor& gate_input) {
  const auto stacked = [&](auto&& tensor_of) {
    std::vector<at::Tensor> tensors;
    for (const auto& scale : scales) tensors.push_back(tensor_of(*scale));
    return at::stack(tensors);
  };
  at::Tensor y = at::bmm(x, stacked([](Matrices& m) { return m.mixer(); }).transpose(1, 2));
  if (gate != "none") {
    const at::Tensor gates = stacked([](Matrices& m) { return m.gate->weight; });
    y = y * activate(at::bmm(gate_input, gates.transpose(1, 2)), gate);
  }
  if (scales[0]->u.defined()) {
    const at::Tensor low = at::bmm(x, stacked([](Matrices& m) { return m.v; }));
    y = at::baddbmm(y, low, stacked([](Matrices& m) { return m.u; }).transpose(1, 2));
  }
  if (scales[0]->bias.defined()) y = y + stacked([](Matrices& m) { return m.bias; }).unsqueeze(1);
  return y;
}

}  // namespace subband::scale_mixers
