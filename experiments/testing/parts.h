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
  config::Node written = config::Node::map();
  for (const auto& [key, value] : fields) written.set(key, value);
  config::Node root = config::Node::map(), resolved;
  root.set("part", written);
  BindSession session{.registry = &registry};
  Binder binder(session, root, resolved);
  Slot<Interface> slot(type);
  slot.bind(binder, "part", context, "under test");
  session.finish();
  return slot.make(context);
}

}  // namespace subband::testing
