// The gated feed-forward net of LLaMA-like models.
//   y = W_down (σ(W_gate x) ⊙ W_up x),   σ = SiLU and no biases unless chosen otherwise
// Shapes  B batch, L length, C width, F hidden width, multiple ceil(floor(expansion C) / multiple) where not given
// Cost    3 C F parameters, 6 C F flops per position
// Source  Shazeer 2020, arXiv 2002.05202
#include <ATen/TensorOperators.h>

#include <cmath>
#include <optional>

#include "core/config/binder.h"
#include "models/channel_mixer.h"
#include "models/layers/activation.h"
#include "models/layers/dropout.h"
#include "models/layers/projection.h"

namespace subband::channel_mixers::swiglu {

struct Config {
  double expansion = 8.0 / 3.0;  // as many parameters as a plain net of 4 C
  int64_t multiple = 8;
  std::optional<int64_t> hidden;
  std::string activation = "silu";
  bool bias = false;

  void bind(Binder& b) {
    b.field("expansion", expansion, {0, 1024, true}, "hidden width over width, before rounding up");
    b.field("multiple", multiple, {1, 65536},
            "the hidden width is rounded up to a multiple of it; published: 256");
    b.field("hidden", hidden, {1, 1 << 24}, "hidden width; null: by the rule of the two above");
    b.choice("activation", activation, activation_names(), "of the gate");
    b.field("bias", bias, "the three linears have one");
  }
  int64_t hidden_of(int64_t width) const {
    if (hidden) return *hidden;
    // 2.3 of 50 must not fall short of 115, as it does in floating point.
    const auto wanted = static_cast<int64_t>(std::floor(expansion * static_cast<double>(width) + 1e-6));
    return multiple * std::max<int64_t>(1, (wanted + multiple - 1) / multiple);
  }
};

class Swiglu final : public ChannelMixer {
 public:
  Swiglu(const Config& config, const BlockContext& context)
      : activation_(activation_of(config.activation)), dropout_(context.mlp_dropout), noise_(context.noise) {
    const int64_t width = context.width, hidden = config.hidden_of(width);
    const auto add = [&](const char* name, const ProjectionPlan& plan) {
      return register_module(name, std::make_shared<Projection>(*context.initializer, plan));
    };
    gate_ = add("gate", {.purpose = {.role = Role::gate}, .in = width, .out = hidden, .bias = config.bias});
    up_ = add("up",
              {.purpose = {.role = Role::input_projection}, .in = width, .out = hidden, .bias = config.bias});
    down_ =
        add("down",
            {.purpose = {.role = Role::residual_output}, .in = hidden, .out = width, .bias = config.bias});
  }

  at::Tensor forward(const at::Tensor& x_BLC, LayerState*) override {
    const at::Tensor y = down_->forward(activation_(gate_->forward(x_BLC)) * up_->forward(x_BLC));
    return dropout(y, dropout_, is_training(), noise_.get());
  }
  double flops(int64_t length) const override {
    return gate_->flops(length) + up_->flops(length) + down_->flops(length);
  }

 private:
  Activation activation_;
  double dropout_;
  std::shared_ptr<const Noise> noise_;
  std::shared_ptr<Projection> gate_, up_, down_;
};

void add_to(ChannelMixerRegistry& r) {
  r.add<Swiglu, Config>({.name = "swiglu",
                         .summary = "gated feed-forward net with SiLU",
                         .source = "Shazeer 2020, arXiv 2002.05202",
                         .cost = "3 C F parameters",
                         .version = 2});
}

}  // namespace subband::channel_mixers::swiglu
