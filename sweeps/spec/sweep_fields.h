// What sweep files hold, for schemas and completion.
#pragma once
#include <vector>

#include "core/config/binder.h"

namespace subband {

/// Every field of a sweep file.
std::vector<FieldInfo> sweep_fields();

}  // namespace subband
