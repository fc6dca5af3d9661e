// Makes one part from YAML-like fields, for tests.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "core/slot.h"

namespace subband::testing {

using Fields = std::vector<std::pair<std::string, config::Node>>;

/// Binds `type` with `fields` under the key `part` and makes it. ConfigError as a spec would give it.
template <class Interface>
std::shared_ptr<Interface> make_part(const Registry& registry, const std::string& type,
                                     const Fields& fields = {},
                                     const typename Interface::Context& context = {}) {
  config::Node spec = config::Node::map();
  spec.set("type", config::Node(type));
  for (const auto& [key, value] : fields) spec.set(key, value);
  return subband::make_part<Interface>(registry, spec, context, "part");
}

}  // namespace subband::testing
