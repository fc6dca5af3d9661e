// One part alone, outside of any net: for `forward --part` and `params --part`.
#pragma once
#include <torch/nn/module.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/program/command.h"
#include "core/tensors/safetensors.h"
#include "models/initializer.h"
#include "models/part_cost.h"
#include "models/pass.h"

namespace subband {

class Registry;

/// `--part KIND:NAME --width D [--set key=value]… [--causal|--no-causal] [--levels N] [--dilation D]`
struct LonePartWords {
  std::string part;
  std::vector<std::string> fields;
  int64_t width = 64;
  bool causal = true;
  int64_t length = 1024;  ///< longest that will be fed; the option of whoever feeds it
  int64_t levels = 5;
  std::string dilation = "dyadic";

  void add_to(CLI::App& app);
};

/// What a part of each kind takes and gives, by name. `x` [B,L,D] and `y` [B,L,D] but for
///   mixer        takes `keep` bool [B,L] too, or `memory` [B,M,D], the inputs before x
///   transform    pads x with zeros to the width that it works at; gives `inverse` of x where nothing is padded
///   dilation     y [levels,B,L,D], the past as each level sees it
///   lifting      x -> `z` [S,B,L,D] and back to y; or takes `z` alone -> y
///   bypass       x -> `summary`, which is y too; with `z` [S,B,L,D], and perhaps `previous`: y is z with its biases
///   scale_mixer  x and y are [S,B,L,D]
struct LonePart {
  std::string name;
  std::shared_ptr<torch::nn::Module> module;
  std::vector<std::string> inputs;  ///< names that forward may read
  std::function<Tensors(const Tensors&, const Pass&)> forward;  ///< with a state, which the caller advances, x goes on
  std::function<PartCosts(int64_t length)> costs;
};

/// ConfigError for a kind that maps no such tensors, an unknown part, or its fields.
LonePart make_lone_part(const Registry& registry, const LonePartWords& words, Initializer& initializer);

}  // namespace subband
