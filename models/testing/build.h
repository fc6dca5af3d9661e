// Builds parts and nets in tests, from settings as a recipe would write them.
#pragma once
#include <ATen/ATen.h>
#include <torch/nn/module.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/config/binder.h"
#include "core/files.h"
#include "core/registry.h"
#include "core/slot.h"
#include "core/tensors/random.h"
#include "models/initializer.h"

namespace subband {
void register_models_parts(Registry& registry);
}

namespace subband::testing {

/// Dotted path -> value.
using Settings = std::vector<std::pair<std::string, config::Node>>;

inline config::Node number(double value) { return config::Node(value); }
inline config::Node integer(int64_t value) { return config::Node(value); }
inline config::Node numbers(const std::vector<double>& values) {
  config::Node list = config::Node::list();
  for (const double value : values) list.items().emplace_back(value);
  return list;
}
inline config::Node words(const std::vector<std::string>& values) {
  config::Node list = config::Node::list();
  for (const std::string& value : values) list.items().emplace_back(value);
  return list;
}

/// The registry of all parts and what tests make of it; must outlive its slots.
class Workshop {
 public:
  Workshop() { register_models_parts(registry_); }

  /// A bound slot; ConfigError lists what is wrong with the settings.
  template <class Interface>
  Slot<Interface> slot(const std::string& type, const Settings& settings,
                       const typename Interface::Context& context) const {
    config::Node spec = config::Node::map();
    spec.set("type", config::Node(type));
    for (const auto& [path, value] : settings) spec.set_at(path, value);
    return bind_part<Interface>(registry_, spec, context, "part");
  }

  /// The part, with its initial weights from `seed`, in double precision.
  template <class Interface>
  std::shared_ptr<Interface> make(const std::string& type, const Settings& settings,
                                  typename Interface::Context context, uint64_t seed = 1) const {
    Initializer initializer(plain_generator(seed));
    context.initializer = &initializer;
    auto part = slot<Interface>(type, settings, context).make(context);
    part->to(at::kDouble);
    return part;
  }

 private:
  Registry registry_;
};

/// Moves every parameter away from its first value, so that no term is zero by accident.
inline void perturb(torch::nn::Module& module, double deviation = 0.2, uint64_t seed = 7) {
  const at::NoGradGuard no_gradient;
  at::Generator generator = plain_generator(seed);
  for (at::Tensor& parameter : module.parameters())
    parameter.add_(at::randn(parameter.sizes(), generator, parameter.options().requires_grad(false)),
                   deviation);
}

inline at::Tensor random_double(at::IntArrayRef shape, uint64_t seed = 3) {
  return at::randn(shape, plain_generator(seed), at::kDouble);
}

/// max |a - b| / max |b|
inline double relative_error(const at::Tensor& a, const at::Tensor& b) {
  const double scale = b.abs().max().item<double>();
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>() / (scale > 0 ? scale : 1.0);
}

}  // namespace subband::testing
