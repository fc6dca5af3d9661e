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
#include "experiments/optimizers/parameter_groups.h"

namespace subband::optimizers::adamw {

struct Config {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.01;
  std::string path = "fused";
  GroupFields groups;

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
    groups.bind(b);
  }
};

class AdamW final : public Optimizer {
 public:
  AdamW(const Config& config, const OptimizerContext& context)
      : config_(config),
        parameters_(context.parameters),
        groups_(make_groups(context.parameters, config.groups)),
        averages_(zeros_for(context.parameters)),
        squares_(zeros_for(context.parameters)) {
    for (const Parameter& parameter : parameters_)
      counts_.push_back(at::zeros({}, parameter.value.options().dtype(at::kFloat)));
  }

  double peak_rate() const override { return config_.lr; }
  const std::vector<ParameterGroup>& groups() const override { return groups_; }

  void step(std::span<const double> rates) override {
    const c10::NoGradGuard no_gradients;
    for (const StepPart& part : step_parts(groups_, rates, config_.weight_decay)) {
      if (config_.path == "plain")
        plain(part);
      else
        fused(part);
    }
  }

  std::map<std::string, at::Tensor> state() const override {
    std::map<std::string, at::Tensor> state;
    name_state(state, "exp_avg", parameters_, averages_);
    name_state(state, "exp_avg_sq", parameters_, squares_);
    name_state(state, "step", parameters_, counts_);
    return state;
  }
  void load(const std::map<std::string, at::Tensor>& given) override {
    load_optimizer_state("adamw", state(), given);
  }

 private:
  void fused(const StepPart& part) {
    std::vector<at::Tensor> active, gradients, averages, squares, counts;
    for (const size_t i : part.members) {
      const at::Tensor& parameter = parameters_[i].value;
      if (!parameter.grad().defined()) continue;
      active.push_back(parameter), gradients.push_back(parameter.grad());
      averages.push_back(averages_[i]), squares.push_back(squares_[i]);
      counts.push_back(counts_[i].add_(1));
    }
    if (active.empty()) return;
    at::_fused_adamw_(active, gradients, averages, squares, {}, counts, part.rate, config_.beta1,
                      config_.beta2, part.weight_decay, config_.eps, /*amsgrad=*/false, /*maximize=*/false);
  }

  void plain(const StepPart& part) {
    for (const size_t i : part.members) {
      const at::Tensor &parameter = parameters_[i].value, g = parameter.grad();
      if (!g.defined()) continue;
      const double t = counts_[i].add_(1).item<double>();
      const double bias1 = 1 - std::pow(config_.beta1, t);
      const double bias2 = 1 - std::pow(config_.beta2, t);
      parameter.mul_(1 - part.rate * part.weight_decay);
      averages_[i].mul_(config_.beta1).add_(g, 1 - config_.beta1);
      squares_[i].mul_(config_.beta2).addcmul_(g, g, 1 - config_.beta2);
      const at::Tensor root = squares_[i].sqrt().div_(std::sqrt(bias2)).add_(config_.eps);
      parameter.addcdiv_(averages_[i], root, -part.rate / bias1);
    }
  }

  Config config_;
  std::vector<Parameter> parameters_;
  std::vector<ParameterGroup> groups_;
  std::vector<at::Tensor> averages_, squares_, counts_;
};

void add_to(OptimizerRegistry& r) {
  r.add<AdamW, Config>({.name = "adamw",
                        .summary = "averaged gradients over averaged squares, decoupled weight decay",
                        .source = "Loshchilov and Hutter, arXiv 1711.05101",
                        .cost = "8 bytes of state per parameter"});
}

}  // namespace subband::optimizers::adamw
