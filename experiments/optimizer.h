// Optimisers: one update of all parameters from their gradients.
#pragma once
#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "core/registry.h"

namespace subband {

struct OptimizerContext {
  std::vector<at::Tensor> parameters;  ///< empty while a spec is only being checked
};

class Optimizer {
 public:
  static constexpr const char* kKind = "optimizer";
  using Context = OptimizerContext;
  virtual ~Optimizer() = default;

  virtual double peak_rate() const = 0;  ///< `lr` of the spec, the schedule's peak
  /// One step at `rate` from the parameters' gradients; a parameter without a gradient is left alone.
  virtual void step(double rate) = 0;
  /// Named state tensors, in the parameters' order (`sum.0`, `exp_avg.0`, ...), for checkpoints; shared storage.
  virtual std::map<std::string, at::Tensor> state() const = 0;
  /// Copies a checkpoint's state in. Error when names or shapes differ.
  virtual void load(const std::map<std::string, at::Tensor>& state) = 0;
};

using OptimizerRegistry = KindRegistry<Optimizer>;

}  // namespace subband
