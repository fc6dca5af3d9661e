// What of a bound spec decides its results, and so its identity.
//   not hashed   cosmetic fields and the parts inside them; fields that came later, while they have the default they had when they came; the
//                parts inside such a field, while they have the version they had then, the first
// So a new field, slot or group renames no run that was there before it.
#pragma once
#include <map>
#include <string>

#include "core/config/binder.h"

namespace subband {

struct HashedSpec {
  config::Node values;
  std::map<std::string, int> parts;  ///< `mixer:wersa` -> version
};

/// `resolved`: what the session's binders made of the spec, from its root.
HashedSpec hashed_spec(const config::Node& resolved, const BindSession& session);

/// Every part that is used, hashed or not.
std::map<std::string, int> used_parts(const BindSession& session);

}  // namespace subband
