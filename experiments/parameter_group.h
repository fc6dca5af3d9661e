// What optimisers and schedules treat alike: parameters of one role and one shape.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "models/role.h"

namespace subband {

struct ParameterGroup {
  std::string name;  ///< `input_projection [64, 64]`
  Role role = Role::input_projection;
  std::vector<int64_t> shape;
  std::vector<size_t> members;  ///< places in the context's parameters, rising
  double rate = 1;              ///< factor of the schedule's rate
  bool decays = true;           ///< whether weight decay acts on it
};

}  // namespace subband
