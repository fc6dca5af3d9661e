#include "experiments/optimizers/optimizer_state.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/util/StringUtil.h>

#include "core/error.h"

namespace subband {

std::vector<at::Tensor> zeros_for(const std::vector<Parameter>& parameters) {
  std::vector<at::Tensor> zeros;
  zeros.reserve(parameters.size());
  for (const Parameter& parameter : parameters) zeros.push_back(at::zeros_like(parameter.value));
  return zeros;
}

void name_state(std::map<std::string, at::Tensor>& state, const std::string& name,
                const std::vector<Parameter>& parameters, const std::vector<at::Tensor>& tensors) {
  for (size_t i = 0; i < tensors.size(); ++i) state.emplace(name + "." + parameters[i].name, tensors[i]);
}

void load_optimizer_state(const std::string& part, const std::map<std::string, at::Tensor>& own,
                          const std::map<std::string, at::Tensor>& given) {
  std::vector<Problem> problems;
  const auto complain = [&](const std::string& name, const std::string& rule) {
    problems.push_back({"optimizer." + part, "state '" + name + "': " + rule});
  };
  for (const auto& [name, tensor] : own) {
    const auto found = given.find(name);
    if (found == given.end()) {
      complain(name, "missing");
    } else if (found->second.sizes() != tensor.sizes() || found->second.dtype() != tensor.dtype()) {
      complain(name, c10::str("expected ", tensor.dtype(), " ", tensor.sizes(), ", got ",
                              found->second.dtype(), " ", found->second.sizes()));
    }
  }
  for (const auto& [name, tensor] : given) {
    if (!own.contains(name)) complain(name, "unknown");
  }
  if (!problems.empty()) throw Error(problems);
  const c10::NoGradGuard no_gradients;
  for (const auto& [name, tensor] : own) tensor.copy_(given.at(name));
}

}  // namespace subband
