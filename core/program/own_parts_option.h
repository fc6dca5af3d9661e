// `--parts`, an option of every command.
#pragma once
#include <string>
#include <vector>

namespace subband {

/// Objects with parts of the user's own, for this process and those that it starts: sets $SUBBAND_PARTS.
void set_own_parts(const std::vector<std::string>& files);

}  // namespace subband
