// AdamW: averaged gradients divided by the root of averaged squares; the weight decay is decoupled from both.
//   θ ← θ − lr·wd·θ;   m ← β₁m + (1−β₁)g;   v ← β₂v + (1−β₂)g²;   θ ← θ − lr · (m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + ε)
// t counts the steps in which the parameter had a gradient.
// Cost    two tensors of state per parameter; plain 9 passes over memory, fused 1, clipping included
// Source  Loshchilov and Hutter, arXiv 1711.05101
#include <ATen/ops/zeros.h>

#include "core/config/binder.h"
#include "core/ops/optimizer/clipped_update.h"
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
             "plain: the definition, tensor by tensor; fused: clipping and update in one pass over memory, "
             "equal to a "
             "few units in the last place");
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

  void step(std::span<const double> rates, const GradientClip& clip) override {
    for (const StepPart& part : step_parts(groups_, rates, config_.weight_decay)) {
      const UpdateRule rule{.rate = part.rate,
                            .weight_decay = part.weight_decay,
                            .eps = config_.eps,
                            .beta1 = config_.beta1,
                            .beta2 = config_.beta2};
      clipped_adamw(with_gradients(part.members), rule, clip, config_.path == "plain" ? "reference" : "auto");
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
  UpdateTensors with_gradients(const std::vector<size_t>& members) const {
    UpdateTensors tensors;
    for (const size_t i : members) {
      const at::Tensor& parameter = parameters_[i].value;
      if (!parameter.grad().defined()) continue;
      tensors.parameters.push_back(parameter), tensors.gradients.push_back(parameter.grad());
      tensors.first.push_back(averages_[i]), tensors.second.push_back(squares_[i]);
      tensors.steps.push_back(counts_[i]);
    }
    return tensors;
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
                        .cost = "8 bytes of state per parameter",
                        .version = 2});
}

}  // namespace subband::optimizers::adamw
