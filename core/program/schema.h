// JSON Schema (2020-12) of recipes and sweeps, for the YAML language servers of editors.
#pragma once
#include <string>

#include "core/program/catalogue.h"

namespace subband {

/// A part slot takes a name, a map with `type`, or a map of the default part's keys; any value may be an
/// interpolation. Unknown keys are refused.
std::string document_schema(const Catalogue& catalogue, const std::string& document);

/// `subband schema [recipe|sweep]`.
int command_schema(Arguments arguments, const Catalogue& catalogue);

}  // namespace subband
