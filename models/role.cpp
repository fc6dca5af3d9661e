#include "models/role.h"

#include <algorithm>

namespace subband {

const std::vector<std::string>& role_names() {
  static const std::vector<std::string> names = {"input_projection",
                                                 "hidden_projection",
                                                 "gate",
                                                 "router",
                                                 "decay",
                                                 "residual_output",
                                                 "embedding",
                                                 "head",
                                                 "norm",
                                                 "bias",
                                                 "gain",
                                                 "filter",
                                                 "compression",
                                                 "lifting",
                                                 "mixing",
                                                 "low_rank",
                                                 "memory_key",
                                                 "memory_value"};
  return names;
}

const std::string& name_of(Role role) { return role_names()[static_cast<size_t>(role)]; }

std::optional<Role> role_named(std::string_view name) {
  const auto found = std::ranges::find(role_names(), name);
  if (found == role_names().end()) return {};
  return static_cast<Role>(found - role_names().begin());
}

bool is_drawn_by_net(Role role) {
  return role == Role::input_projection || role == Role::hidden_projection || role == Role::residual_output ||
         role == Role::head;
}

}  // namespace subband
