// What recipes hold, for reference pages, schemas and completion.
#pragma once
#include <vector>

#include "core/registry.h"

namespace subband {

/// Every field of a recipe, those of its default parts included.
std::vector<FieldInfo> recipe_fields(const Registry& registry);

}  // namespace subband
