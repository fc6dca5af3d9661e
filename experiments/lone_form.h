// One part alone, outside of any net: for `forward --part` and `params --part`.
#pragma once
#include <torch/nn/module.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/slot.h"
#include "core/tensors/safetensors.h"
#include "models/block_context.h"
#include "models/part_cost.h"
#include "models/pass.h"

namespace subband {

/// A part that was made alone: what it takes and gives, by name.
struct LonePart {
  std::string name;
  std::shared_ptr<torch::nn::Module> module;
  std::vector<std::string> inputs;  ///< names that forward may read
  std::function<Tensors(const Tensors&, const Pass&)> forward;  ///< with a state, which the caller advances, x goes on
  std::function<PartCosts(int64_t length)> costs;
};

/// What stands around a lone part in place of a net.
struct LoneFrame {
  int64_t width = 64;  ///< D
  bool causal = true;
  int64_t length = 1024;            ///< longest that will be fed
  int64_t levels = 5;               ///< of the wavelet around the part
  std::string dilation = "dyadic";  ///< of a lifting: a name, or a map as in a recipe
};

/// Which part is asked for.
struct LoneOrder {
  const Registry& registry;
  std::string name;
  config::Node spec;  ///< the part's fields, `type` among them
  LoneFrame frame;
  Initializer& initializer;

  BlockContext block() const;
};

struct LoneFormContext {};

/// How a part of one kind is made and fed alone. Its name in the registry is that of the kind.
class LoneForm {
 public:
  static constexpr const char* kKind = "lone_form";
  using Context = LoneFormContext;
  virtual ~LoneForm() = default;
  /// ConfigError for an unknown part, or its fields. What it takes and gives stands in the form's file.
  virtual LonePart make(const LoneOrder& order) const = 0;
};
using LoneFormRegistry = KindRegistry<LoneForm>;

}  // namespace subband
