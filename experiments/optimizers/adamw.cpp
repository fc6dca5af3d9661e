// AdamW: averaged gradients divided by the root of averaged squares; the weight decay is decoupled from both.
//   θ ← θ − lr·wd·θ;   m ← β₁m + (1−β₁)g;   v ← β₂v + (1−β₂)g²;   θ ← θ − lr · (m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + ε)
// t counts the steps in which the parameter had a gradient.
// Cost    two tensors of state per parameter; plain 8 passes over memory, fused 1
// Source  Loshchilov and Hutter, arXiv 1711.05101
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "core/config/binder.h"
#include "experiments/optimizer.h"
#include "experiments/optimizers/optimizer_state.h"

namespace subband::optimizers::adamw {

struct Config {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.01;
  std::string path = "fused";

  void bind(Binder& b) {
    b.field("lr", lr, {0.0, 1e3}, "the schedule's peak rate");
    b.field("beta1", beta1, {0.0, 0.999999}, "decay of the averaged gradient");
    b.field("beta2", beta2, {0.0, 0.999999}, "decay of the averaged square");
    b.field("eps", eps, {0.0, 1.0}, "added to the root of the averaged square");
    b.field("weight_decay", weight_decay, {0.0, 1e3},
            "wd, decoupled: each step shrinks weights by lr times wd");
    b.choice("path", path, {"plain", "fused"},
             "plain: the definition, tensor by tensor; fused: one pass over memory, equal to a few units in "
             "the last "
             "place");
  }
};

class AdamW final : public Optimizer {
 public:
  AdamW(const Config& config, const OptimizerContext& context)
      : config_(config),
        parameters_(context.parameters),
        averages_(zeros_for(context.parameters)),
        squares_(zeros_for(context.parameters)) {
    for (const at::Tensor& parameter : parameters_) {
      counts_.push_back(at::zeros({}, parameter.options().dtype(at::kFloat)));
    }
  }

  double peak_rate() const override { return config_.lr; }

  void step(double rate) override {
    const c10::NoGradGuard no_gradients;
    if (config_.path == "plain") return plain(rate);
    std::vector<at::Tensor> active, gradients, averages, squares, counts;
    for (size_t i = 0; i < parameters_.size(); ++i) {
      if (!parameters_[i].grad().defined()) continue;
      active.push_back(parameters_[i]), gradients.push_back(parameters_[i].grad());
      averages.push_back(averages_[i]), squares.push_back(squares_[i]);
      counts.push_back(counts_[i].add_(1));
    }
    if (active.empty()) return;
    at::_fused_adamw_(active, gradients, averages, squares, {}, counts, rate, config_.beta1, config_.beta2,
                      config_.weight_decay, config_.eps, /*amsgrad=*/false, /*maximize=*/false);
  }

  std::map<std::string, at::Tensor> state() const override {
    std::map<std::string, at::Tensor> state;
    name_state(state, "exp_avg", averages_);
    name_state(state, "exp_avg_sq", squares_);
    name_state(state, "step", counts_);
    return state;
  }
  void load(const std::map<std::string, at::Tensor>& given) override {
    load_optimizer_state("adamw", state(), given);
  }

 private:
  void plain(double rate) {
    for (size_t i = 0; i < parameters_.size(); ++i) {
      const at::Tensor g = parameters_[i].grad();
      if (!g.defined()) continue;
      const double t = counts_[i].add_(1).item<double>();
      const double bias1 = 1 - std::pow(config_.beta1, t);
      const double bias2 = 1 - std::pow(config_.beta2, t);
      parameters_[i].mul_(1 - rate * config_.weight_decay);
      averages_[i].mul_(config_.beta1).add_(g, 1 - config_.beta1);
      squares_[i].mul_(config_.beta2).addcmul_(g, g, 1 - config_.beta2);
      const at::Tensor root = squares_[i].sqrt().div_(std::sqrt(bias2)).add_(config_.eps);
      parameters_[i].addcdiv_(averages_[i], root, -rate / bias1);
    }
  }

  Config config_;
  std::vector<at::Tensor> parameters_, averages_, squares_, counts_;
};

void add_to(OptimizerRegistry& r) {
  r.add<AdamW, Config>({.name = "adamw",
                        .summary = "averaged gradients over averaged squares, decoupled weight decay",
                        .source = "Loshchilov and Hutter, arXiv 1711.05101",
                        .cost = "8 bytes of state per parameter"});
}

}  // namespace subband::optimizers::adamw
