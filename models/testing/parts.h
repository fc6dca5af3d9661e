// For tests: parts by name, and the answers of other implementations.
#pragma once
#include <torch/torch.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>

#include "core/files.h"
#include "core/slot.h"
#include "core/tensors/random.h"
#include "core/tensors/safetensors.h"

namespace subband {

void register_models_parts(Registry& registry);

namespace testing {

/// A part of a kind from its fields, every complaint thrown as ConfigError.
template <class Interface>
std::shared_ptr<Interface> make_part(
    const std::string& name, const typename Interface::Context& context,
    std::initializer_list<std::pair<const char*, config::Node>> fields = {}) {
  Registry registry;
  register_models_parts(registry);
  config::Node spec = config::Node::map();
  spec.set("type", config::Node(name));
  for (const auto& [key, value] : fields) spec.set(key, value);
  return subband::make_part<Interface>(registry, spec, context, "part");
}

inline at::Tensor random(at::IntArrayRef shape, at::ScalarType type = at::kFloat,
                         std::string_view name = "x") {
  return at::empty(shape, type).normal_(0, 1, stream(1, name));
}

inline double relative_rms(const at::Tensor& ours, const at::Tensor& theirs) {
  const at::Tensor wanted = theirs.to(at::kDouble);
  return (ours.to(at::kDouble) - wanted).norm().item<double>() / wanted.norm().item<double>();
}

/// Recorded answers, or nothing with a printed reason where the folder of shared files is missing.
inline std::optional<Tensors> recorded(const std::string& name) {
  const char* shared = std::getenv("SUBBAND_SHARED");
  const std::filesystem::path folder =
      shared ? std::filesystem::path(shared) : program_root() / ".." / "shared";
  const std::filesystem::path file = folder / "fixtures" / (name + ".safetensors");
  if (std::filesystem::exists(file)) return read_safetensors(file).tensors;
  std::cout << "skipped: no " << file.string() << "; set SUBBAND_SHARED\n";
  return {};
}

/// The parameter or buffer of that name; undefined where there is none.
inline at::Tensor value_named(const torch::nn::Module& module, const std::string& name) {
  const auto parameters = module.named_parameters(), buffers = module.named_buffers();
  if (const at::Tensor* parameter = parameters.find(name)) return *parameter;
  const at::Tensor* buffer = buffers.find(name);
  return buffer ? *buffer : at::Tensor();
}

/// Copies `value` into the parameter of that name.
inline void set_parameter(torch::nn::Module& module, const std::string& name, const at::Tensor& value) {
  const torch::NoGradGuard no_gradient;
  const at::Tensor parameter = value_named(module, name);
  TORCH_CHECK(parameter.defined(), name, ": no such parameter");
  TORCH_CHECK(parameter.sizes() == value.sizes(), name, ": another shape");
  parameter.copy_(value);
}

}  // namespace testing
}  // namespace subband
