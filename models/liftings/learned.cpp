// The learned lifting: predict and update are small networks, a pair per level.
//   d_l = (past_l(c_l) - P_l(c_l)) / sqrt2,  c_{l+1} = (c_l + U_l(d_l)) / sqrt2;  back: c_l = sqrt2 c_{l+1} - U_l(d_l)
//   P, U:  N(x) = W3 dropout(GELU(W0 x + b0)) + b3, W0 [hC, C], W3 [C, hC]
// Shapes  B batch, L length, C coefficient width, h hidden multiplier
// Cost    levels 4 h C (2 C + 1) parameters about; 24 levels h C^2 flops per position and direction pair
// Source  WaveletLM, learned lifting
#include <ATen/TensorOperators.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/stack.h>

#include <string>
#include <vector>

#include "core/config/binder.h"
#include "models/layers/adopt.h"
#include "models/layers/linear.h"
#include "models/lifting.h"
#include "models/liftings/steps.h"

namespace subband::liftings::learned {

constexpr double kNoise = 0.01;      // deviation of the entries that no identity fills
constexpr double kUpdateGain = 0.5;  // an update starts at half of a prediction

struct Config {
  int64_t hidden_multiplier = 1;
  std::string init = "haar";
  double dropout = 0;
  bool untied_reconstruction = false;

  void bind(Binder& b) {
    b.field("hidden_multiplier", hidden_multiplier, {1, 64},
            "h, hidden width over coefficient width (original: lifting_hidden_mult)");
    b.choice("init", init, {"haar", "zero", "random"},
             "first values: identities as in Haar's wavelet, a last linear of zeros, or small noise");
    b.field("dropout", dropout, {0.0, 0.99}, "on the hidden values, in training (original: lifting_dropout)");
    b.field("untied_reconstruction", untied_reconstruction,
            "every block has a second set of networks for the way back; its predictions stay unused");
  }
};

/// P_l or U_l.
class Network final : public torch::nn::Module {
 public:
  Network(Initializer& initializer, int64_t width, int64_t hidden) {
    first = register_module("0", std::make_shared<Linear>(initializer, width, hidden));
    last = register_module("3", std::make_shared<Linear>(initializer, hidden, width));
  }
  double flops(int64_t rows) const { return first->flops(rows) + last->flops(rows); }
  std::shared_ptr<Linear> first, last;
};

class Learned final : public Lifting {
 public:
  Learned(const Config& config, const LiftingContext& context)
      : config_(config), levels_(context.levels), noise_(context.noise) {
    if (context.dilation) adopt(*this, *(dilation_ = context.dilation->make(context)));
    const auto predicts =
        register_module("predict_nets", std::make_shared<torch::nn::Module>("predict_nets"));
    const auto updates = register_module("update_nets", std::make_shared<torch::nn::Module>("update_nets"));
    const int64_t width = context.padded_width;
    for (int64_t level = 0; level < levels_; ++level) {
      const auto make = [&](torch::nn::Module& owner) {
        return owner.register_module(
            std::to_string(level),
            std::make_shared<Network>(*context.initializer, width, width * config_.hidden_multiplier));
      };
      predict_.push_back(make(*predicts));
      update_.push_back(make(*updates));
      initialise(*predict_.back(), 1, *context.initializer);
      initialise(*update_.back(), kUpdateGain, *context.initializer);
      if (!context.stabilizers.lifting_level) continue;
      const double damping = 1 / (1 + 0.1 * static_cast<double>(level));
      predict_.back()->last->weight.detach().mul_(damping);
      update_.back()->last->weight.detach().mul_(damping);
    }
  }

  at::Tensor decompose(const at::Tensor& h_BLC) override {
    return analyse(
        h_BLC, levels_, *dilation_,
        [this](const at::Tensor& c, int64_t level) {
          return apply(*predict_[static_cast<size_t>(level)], c);
        },
        [this](const at::Tensor& d, int64_t level) {
          return apply(*update_[static_cast<size_t>(level)], d);
        });
  }

  at::Tensor reconstruct(const at::Tensor& z_SBLC) override {
    return synthesise(z_SBLC, [this](const at::Tensor& details) {
      std::vector<at::Tensor> updates = details.unbind(0);
      for (size_t i = 0; i < updates.size(); ++i)
        updates[i] = apply(*update_[updates.size() - 1 - i], updates[i]);
      return at::stack(updates);
    });
  }

  // Updates are computed on the way down and again on the way back.
  double flops(int64_t length) const override {
    double sum = 0;
    for (size_t level = 0; level < predict_.size(); ++level)
      sum += predict_[level]->flops(length) + 2 * update_[level]->flops(length);
    return sum;
  }
  Dilation* dilation() const override { return dilation_.get(); }
  bool untied() const override { return config_.untied_reconstruction; }

 private:
  at::Tensor apply(Network& network, const at::Tensor& x) const {
    const at::Tensor hidden = at::gelu(network.first->forward(x));
    return network.last->forward(dropout(hidden, config_.dropout, is_training(), noise_.get()));
  }

  // Redraws follow the defaults of the same network; the order of draws decides the weights of a seed.
  void initialise(Network& network, double gain, Initializer& initializer) const {
    at::Tensor w0 = network.first->weight.detach(), w3 = network.last->weight.detach();
    const int64_t width = w0.size(1), extra = w0.size(0) - width;
    if (config_.init == "zero") {
      w3.zero_();
      network.last->bias.detach().zero_();
      return;
    }
    network.first->bias.detach().zero_();
    network.last->bias.detach().zero_();
    if (config_.init == "random") {
      initializer.normal_(w0, 0, kNoise);
      initializer.normal_(w3, 0, kNoise);
      return;
    }
    w0.narrow(0, 0, width).copy_(initializer.eye(width, width));
    w3.narrow(1, 0, width).copy_(initializer.eye(width, width).mul_(gain));
    if (extra == 0) return;
    at::Tensor rows = w0.narrow(0, width, extra), columns = w3.narrow(1, width, extra);
    initializer.normal_(rows, 0, kNoise);
    initializer.normal_(columns, 0, kNoise);
  }

  Config config_;
  int64_t levels_;
  std::shared_ptr<const Noise> noise_;
  std::shared_ptr<Dilation> dilation_;
  std::vector<std::shared_ptr<Network>> predict_, update_;
};

void add_to(LiftingRegistry& r);
void add_to(LiftingRegistry& r) {
  r.add<Learned, Config>(
      {.name = "learned",
       .summary = "lifting steps by small networks, a pair per level",
       .source = "WaveletLM, learned lifting",
       .cost = "2 levels (2 h Cp^2 + (h + 1) Cp) parameters; 12 levels h Cp^2 flops per position"});
}

}  // namespace subband::liftings::learned
