// One part alone, outside of any net: for `forward --part` and `params --part`.
#pragma once
#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <memory>
#include <string>
#include <vector>

#include "core/command.h"
#include "experiments/commands/probe.h"
#include "models/initializer.h"
#include "models/part_cost.h"

namespace subband {

class Registry;

/// `--part KIND:NAME --width D [--set key=value]… [--causal|--no-causal]`
struct LonePartWords {
  std::string part;
  std::vector<std::string> fields;
  int64_t width = 64;
  bool causal = true;
  int64_t length = 1024;  ///< longest that will be fed; not an option

  void add_to(CLI::App& app);
};

struct LonePart {
  std::string name;
  std::shared_ptr<torch::nn::Module> module;
  PartForward forward;  ///< [B,L,D]
  std::function<PartCosts(int64_t length)> costs;
};

/// ConfigError for a kind that maps [B,L,D] to [B,L,D] not at all, an unknown part, or its fields.
LonePart make_lone_part(const Registry& registry, const LonePartWords& words, Initializer& initializer);

}  // namespace subband
