#include "experiments/training/former_names.h"

#include <string>
#include <vector>

#include "core/text.h"
#include "models/module.h"

namespace subband {

static constexpr const char* kOptimizer = "optimizer/";

Tensors with_present_names(const Tensors& stored, const torch::nn::Module& net) {
  const std::vector<Parameter> parameters = parameters_of(net);
  const auto present = [&](const std::string& name) {
    const size_t dot = name.find('.');
    if (!name.starts_with(kOptimizer) || dot == std::string::npos) return name;
    const auto place = parse_integer(name.substr(dot + 1));
    const bool is_place = place && *place >= 0 && *place < static_cast<int64_t>(parameters.size());
    return is_place ? name.substr(0, dot + 1) + parameters[static_cast<size_t>(*place)].name : name;
  };
  Tensors tensors;
  for (const auto& [name, tensor] : stored) tensors[present(name)] = tensor;
  return tensors;
}

}  // namespace subband
