// Which code the parts of this program are made of: a result of other code is told from one of this.
#pragma once
#include <map>
#include <string>

namespace subband {

/// `mixer:wersa` -> digest of its sources (core/source_code.h).
using PartCode = std::map<std::string, std::string>;

/// Of every part that was built into the program; a table that the build writes.
PartCode built_part_code();

/// Of these parts, `mixer:wersa` -> version, the user's own too (models/own_parts.h); those without sources of their own are left out.
PartCode part_code(const std::map<std::string, int>& parts);

}  // namespace subband
