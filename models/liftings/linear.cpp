// Lifting with one linear map each for predict and update.
//   d_l = (past_l(c_l) - P_l c_l) / sqrt2,  c_{l+1} = (c_l + U_l d_l) / sqrt2;  back: c_l = sqrt2 c_{l+1} - U_l d_l
// Shapes  B batch, L length, C coefficient width; P_l, U_l [C, C] with bias
// Cost    2 levels (C^2 + C) parameters; 6 levels C^2 flops per position
// Source  WaveletLM, linear-only lifting
#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>

#include <string>
#include <vector>

#include "core/config/binder.h"
#include "models/layers/adopt.h"
#include "models/layers/linear.h"
#include "models/lifting.h"
#include "models/liftings/steps.h"

namespace subband::liftings::linear {

struct Config {
  std::string init = "haar";
  bool untied_reconstruction = false;

  void bind(Binder& b) {
    b.choice("init", init, {"haar", "zero", "random"},
             "first values: P = 1 and U = 1/2, zeros, or small noise");
    b.field("untied_reconstruction", untied_reconstruction,
            "every block has a second set of maps for the way back; its predictions stay unused");
  }
};

class LinearLifting final : public Lifting {
 public:
  LinearLifting(const Config& config, const LiftingContext& context)
      : config_(config), levels_(context.levels) {
    if (context.dilation) adopt(*this, *(dilation_ = context.dilation->make(context)));
    const auto predicts =
        register_module("predict_nets", std::make_shared<torch::nn::Module>("predict_nets"));
    const auto updates = register_module("update_nets", std::make_shared<torch::nn::Module>("update_nets"));
    for (int64_t level = 0; level < levels_; ++level) {
      const double damping =
          context.stabilizers.lifting_level ? 1 / (1 + 0.1 * static_cast<double>(level)) : 1.0;
      const auto make = [&](torch::nn::Module& owner) {
        return owner.register_module(
            std::to_string(level),
            std::make_shared<Linear>(*context.initializer, context.padded_width, context.padded_width));
      };
      predict_.push_back(make(*predicts));
      update_.push_back(make(*updates));
      initialise(*predict_.back(), 1, damping, *context.initializer);
      initialise(*update_.back(), 0.5, damping, *context.initializer);
    }
  }

  at::Tensor decompose(const at::Tensor& h_BLC) override {
    return analyse(
        h_BLC, levels_, *dilation_,
        [this](const at::Tensor& c, int64_t level) {
          return predict_[static_cast<size_t>(level)]->forward(c);
        },
        [this](const at::Tensor& d, int64_t level) {
          return update_[static_cast<size_t>(level)]->forward(d);
        });
  }

  at::Tensor reconstruct(const at::Tensor& z_SBLC) override {
    return synthesise(z_SBLC, [this](const at::Tensor& details) {
      std::vector<at::Tensor> updates = details.unbind(0);
      for (size_t i = 0; i < updates.size(); ++i)
        updates[i] = update_[updates.size() - 1 - i]->forward(updates[i]);
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
  void initialise(Linear& map, double gain, double damping, Initializer& initializer) const {
    at::Tensor weight = map.weight.detach();
    map.bias.detach().zero_();
    if (config_.init == "haar") weight.copy_(initializer.eye(weight.size(0), weight.size(1)).mul_(gain));
    if (config_.init == "zero") weight.zero_();
    if (config_.init == "random") initializer.normal_(weight, 0, 0.01);
    weight.mul_(damping);
  }

  Config config_;
  int64_t levels_;
  std::shared_ptr<Dilation> dilation_;
  std::vector<std::shared_ptr<Linear>> predict_, update_;
};

void add_to(LiftingRegistry& r);
void add_to(LiftingRegistry& r) {
  r.add<LinearLifting, Config>({.name = "linear",
                                .summary = "lifting steps by one linear map each",
                                .source = "WaveletLM, linear-only lifting",
                                .cost = "2 levels (Cp^2 + Cp) parameters; 6 levels Cp^2 flops per position"});
}

}  // namespace subband::liftings::linear
