// What every run does beside its parts. It carries a version as they do, raised when the same recipe computes something
// else because of it; at version 1 it is not hashed, so that runs of before there were such versions keep their identity.
#pragma once
#include <map>
#include <string>

#include "core/registry.h"

namespace subband {

/// `training`, `evaluation`, `reading`, `initialization`: names and versions, nothing to make.
class Procedure {
 public:
  static constexpr const char* kKind = "procedure";
  struct Context {};
  struct Config {
    void bind(Binder&) {}
  };
  Procedure(const Config&, const Context&) {}
};

/// Adds them; part of register_experiments_parts' callers.
void register_procedures(Registry& registry);

/// `procedure:training` -> version, of all that the registry has.
std::map<std::string, int> procedure_versions(const Registry& registry);

}  // namespace subband
