// How many parameters stand where.
#pragma once
#include <torch/nn/module.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace subband {

/// The parameters of one group of modules, layers that repeat being one group, `blocks.*.mixer`; or of one role.
struct ParameterCount {
  std::string name;
  int64_t tensors = 0;
  int64_t parameters = 0;
};

/// One stored tensor.
struct NamedShape {
  std::string name;
  std::vector<int64_t> shape;
  bool learned = true;     ///< false: a buffer
  std::string role;        ///< of what is learned
  bool own_start = false;  ///< the part declares the initial weights its own, whatever the role
};

struct ParameterTable {
  std::vector<ParameterCount> groups;  ///< in the order of the module's registration
  std::vector<ParameterCount> roles;   ///< in the order of their names in role.h
  int64_t parameters = 0;              ///< a tensor under two names counts once
  int64_t buffers = 0;                 ///< values that are kept but not learned
  std::vector<NamedShape> tensors;     ///< every stored tensor: the names that `forward --weights` takes

  std::string text() const;
  std::string listing() const;  ///< a line a tensor
  nlohmann::ordered_json json() const;
};

ParameterTable parameter_table(const torch::nn::Module& module);

}  // namespace subband
