// Adagrad: every weight's rate falls with the sum of its own squared gradients.
//   g ← g + wd·θ;   s ← s + g²;   θ ← θ − lr · g / (√s + ε);   s starts at 0
// The weight decay is an L2 term, not a decoupled pull: where the data give no gradient, wd·θ is divided by its own
// running norm and moves θ by about lr/√n whatever wd is.
// Cost    one tensor of state per parameter; plain 6 passes over memory, fused 1, clipping included
// Source  Duchi, Hazan and Singer 2011; defaults of WaveletLM's training script
#include <ATen/core/Tensor.h>

#include "core/config/binder.h"
#include "core/ops/optimizer/clipped_update.h"
#include "experiments/optimizer.h"
#include "experiments/optimizers/optimizer_state.h"
#include "experiments/optimizers/parameter_groups.h"

namespace subband::optimizers::adagrad {

struct Config {
  double lr = 0.01;
  double weight_decay = 0;
  double eps = 2e-13;
  std::string path = "fused";
  GroupFields groups;

  void bind(Binder& b) {
    b.field("lr", lr, {0.0, 1e3}, "the schedule's peak rate");
    b.field("weight_decay", weight_decay, {0.0, 1e3}, "wd, added to the gradient as wd times the weight");
    b.field("eps", eps, {0.0, 1.0}, "added to the root of the sum of squares");
    b.choice("path", path, {"plain", "fused"},
             "plain: the definition, tensor by tensor; fused: clipping and update in one pass over memory, equal to a "
             "few units in the last place");
    groups.bind(b);
  }
};

class Adagrad final : public Optimizer {
 public:
  Adagrad(const Config& config, const OptimizerContext& context)
      : config_(config),
        parameters_(context.parameters),
        groups_(make_groups(context.parameters, config.groups)),
        sums_(zeros_for(context.parameters)) {}

  double peak_rate() const override { return config_.lr; }
  const std::vector<ParameterGroup>& groups() const override { return groups_; }

  void step(std::span<const double> rates, const GradientClip& clip) override {
    for (const StepPart& part : step_parts(groups_, rates, config_.weight_decay)) {
      const UpdateTensors tensors = with_gradients(part.members);
      clipped_adagrad(tensors, {.rate = part.rate, .weight_decay = part.weight_decay, .eps = config_.eps}, clip,
                      config_.path == "plain" ? "reference" : "auto");
    }
  }

  std::map<std::string, at::Tensor> state() const override {
    std::map<std::string, at::Tensor> state;
    name_state(state, "sum", parameters_, sums_);
    return state;
  }
  void load(const std::map<std::string, at::Tensor>& given) override {
    load_optimizer_state("adagrad", state(), given);
  }

 private:
  UpdateTensors with_gradients(const std::vector<size_t>& members) const {
    UpdateTensors tensors;
    for (const size_t i : members) {
      const at::Tensor& parameter = parameters_[i].value;
      if (!parameter.grad().defined()) continue;
      tensors.parameters.push_back(parameter);
      tensors.gradients.push_back(parameter.grad());
      tensors.first.push_back(sums_[i]);
    }
    return tensors;
  }

  Config config_;
  std::vector<Parameter> parameters_;
  std::vector<ParameterGroup> groups_;
  std::vector<at::Tensor> sums_;
};

void add_to(OptimizerRegistry& r) {
  r.add<Adagrad, Config>({.name = "adagrad",
                          .summary = "rates that fall with each weight's own squared gradients",
                          .source = "Duchi, Hazan and Singer 2011; defaults of WaveletLM's training script",
                          .cost = "4 bytes of state per parameter"});
}

}  // namespace subband::optimizers::adagrad
