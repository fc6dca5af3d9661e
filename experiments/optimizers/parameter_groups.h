// How optimisers group parameters, and the fields that set groups apart.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "core/config/binder.h"
#include "experiments/optimizer.h"

namespace subband {

struct GroupFields {
  std::vector<std::string> no_decay;
  config::Node rates = config::Node::map();

  void bind(Binder& b);
  double rate_of(Role role) const;
  bool decays(Role role) const;
};

std::vector<ParameterGroup> make_groups(const std::vector<Parameter>& parameters, const GroupFields& fields);

/// Parameters that take a step with the same rate and weight decay: one call of a fused kernel.
struct StepPart {
  double rate;
  double weight_decay;
  std::vector<size_t> members;  ///< rising
};
std::vector<StepPart> step_parts(std::span<const ParameterGroup> groups, std::span<const double> rates,
                                 double weight_decay);

}  // namespace subband
