// The feed-forward net of a block.
//   y = dropout(W_n σ(... σ(W_0 x + b_0) ...) + b_n),   σ = GELU unless chosen otherwise
// n = `layers` linears, C -> eC, eC -> eC ..., eC -> C. With layers = 1 there are two linears and nothing in between.
// Shapes  B batch, L length, C width, e expansion = hidden width / C
// Cost    2 e C² parameters for two layers; 4 e C² flops per position
// Source  WaveletLM; GPT-2 (gelu_tanh)

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "core/config/binder.h"
#include "core/ops/lifting/gelu_network.h"
#include "models/channel_mixer.h"
#include "models/layers/activation.h"
#include "models/layers/projection.h"

namespace subband::channel_mixers::mlp {

constexpr double kLastGain = 0.02;  // of the default initial weights of the last matrix

struct Config {
  int64_t expansion = 4;
  std::optional<int64_t> hidden;
  int64_t layers = 2;
  std::string activation = "gelu";
  bool bias = true;

  void bind(Binder& b) {
    b.field("expansion", expansion, {1, 1024}, "e, hidden width over width (original: mlp_expansion)");
    b.field("hidden", hidden, {1, 1 << 24}, "hidden width; null: expansion times width");
    b.field("layers", layers, {1, 64},
            "linears; 1 gives two of them without activation (original: mlp_layers)");
    b.choice("activation", activation, activation_names(), "between the linears; gelu_tanh is GPT-2's");
    b.field("bias", bias, "the linears have one");
  }
};

class Mlp final : public ChannelMixer {
 public:
  Mlp(const Config& config, const BlockContext& context)
      : is_gelu_network_(config.layers == 2 && config.activation == "gelu"),
        activation_(config.layers > 1 ? activation_of(config.activation) : nullptr),
        dropout_(context.mlp_dropout),
        noise_(context.noise) {
    const auto net = register_module("net", std::make_shared<torch::nn::Module>("net"));
    const int64_t linears = std::max<int64_t>(2, config.layers),
                  hidden = config.hidden.value_or(config.expansion * context.width);
    for (int64_t i = 0; i < linears; ++i) {
      const bool first = i == 0, last = i == linears - 1;
      const Role role = last    ? Role::residual_output
                        : first ? Role::input_projection
                                : Role::hidden_projection;
      const ProjectionPlan plan{.purpose = {.role = role},
                                .in = first ? context.width : hidden,
                                .out = last ? context.width : hidden,
                                .bias = config.bias};
      linears_.push_back(std::make_shared<Projection>(*context.initializer, plan));
      net->register_module(std::to_string(activation_ ? 2 * i : i), linears_.back());
    }
    const double gain =
        context.stabilizers.feed_forward ? 1 / std::sqrt(static_cast<double>(hidden)) : kLastGain;
    linears_.back()->first_weight().mul_(gain);
    if (config.bias) linears_.back()->first_bias().zero_();
  }

  at::Tensor forward(const at::Tensor& x_BLC, LayerState*) override {
    if (is_gelu_network_ && linears_[0]->is_plain() && linears_[1]->is_plain()) return dropout(through_gelu(x_BLC), dropout_, is_training(), noise_.get());
    at::Tensor x = linears_[0]->forward(x_BLC);
    for (size_t i = 1; i < linears_.size(); ++i) x = linears_[i]->forward(activation_ ? activation_(x) : x);
    return dropout(x, dropout_, is_training(), noise_.get());
  }
  double flops(int64_t length) const override {
    double sum = 0;
    for (const auto& linear : linears_) sum += linear->flops(length);
    return sum;
  }

 private:
  at::Tensor through_gelu(const at::Tensor& x_BLC) const {
    const at::Tensor first = linears_[0]->dense(), last = linears_[1]->dense();
    return gelu_network(x_BLC, {first, linears_[0]->bias(), last, linears_[1]->bias()});
  }

  bool is_gelu_network_;
  Activation activation_;  ///< null: nothing between the linears
  double dropout_;
  std::shared_ptr<const Noise> noise_;
  std::vector<std::shared_ptr<Projection>> linears_;
};

void add_to(ChannelMixerRegistry& r) {
  r.add<Mlp, Config>({.name = "mlp",
                      .summary = "feed-forward net, GELU by default",
                      .source = "WaveletLM",
                      .cost = "2 e C^2 + (e + 1) C parameters for two layers",
                      .version = 3});
}

}  // namespace subband::channel_mixers::mlp
