// What parts are made of: modules whose parameters say what they are for.
#pragma once
#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <map>
#include <string>
#include <vector>

#include "models/role.h"

namespace subband {

class Module : public torch::nn::Module {
 public:
  using torch::nn::Module::Module;

  /// Registers a parameter; there is no way without a purpose.
  at::Tensor add_parameter(const std::string& name, const at::Tensor& initial, const Purpose& purpose);
  /// Of the parameters that are its own, not those of modules inside, by name.
  const std::map<std::string, Purpose>& purposes() const { return purposes_; }

 private:
  using torch::nn::Module::register_parameter;

  std::map<std::string, Purpose> purposes_;
};

/// A parameter as those see it who treat parameters by what they are for.
struct Parameter {
  std::string name;  ///< dotted, from the root
  at::Tensor value;
  Purpose purpose;
};

/// Every parameter of `root` once, in the order of root.parameters(). std::logic_error for one without a purpose.
std::vector<Parameter> parameters_of(const torch::nn::Module& root);

}  // namespace subband
