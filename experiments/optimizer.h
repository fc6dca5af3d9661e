// Optimisers: one update of all parameters from their gradients.
#pragma once
#include <ATen/core/Tensor.h>

#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/ops/optimizer/clipped_update.h"
#include "core/registry.h"
#include "experiments/parameter_group.h"
#include "models/module.h"

namespace subband {

struct OptimizerContext {
  std::vector<Parameter> parameters;  ///< empty while a spec is only being checked
};

class Optimizer {
 public:
  static constexpr const char* kKind = "optimizer";
  using Context = OptimizerContext;
  virtual ~Optimizer() = default;

  virtual double peak_rate() const = 0;  ///< `lr` of the spec, the schedule's peak
  /// Every parameter in one group, in the order of their first members.
  virtual const std::vector<ParameterGroup>& groups() const = 0;
  /// One step from the parameters' gradients, each group at its own of `rates`; a parameter without a gradient is left
  /// alone. Gradients are clipped on the way, and stay as they are in memory.
  virtual void step(std::span<const double> rates, const GradientClip& clip) = 0;
  /// State tensors by what they are and whose (`sum.head.weight`, ...), for checkpoints; shared storage.
  virtual std::map<std::string, at::Tensor> state() const = 0;
  /// Copies a checkpoint's state in. Error when names or shapes differ.
  virtual void load(const std::map<std::string, at::Tensor>& state) = 0;
};

using OptimizerRegistry = KindRegistry<Optimizer>;

}  // namespace subband
