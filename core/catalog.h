// What exists: `subband list` and `subband describe`, generated from the same `bind` functions that read specs.
#pragma once
#include <string>

#include "core/command.h"
#include "core/registry.h"

namespace subband {

int command_list(Arguments arguments, const Registry& registry);
int command_describe(Arguments arguments, const Registry& registry);

/// A part's reference page: commented YAML that is itself a valid config with every default written out.
std::string reference_page(const Registry& registry, const Kind& kind, const std::string& part);

}  // namespace subband
