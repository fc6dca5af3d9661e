// Warnings of commands: what the user should know and what stops nothing.
#pragma once
#include <string>
#include <vector>

namespace subband {

/// One line on stderr, `warning: MESSAGE`, as a terminal shows it.
void warn(const std::string& message);
void warn(const std::vector<std::string>& messages);

}  // namespace subband
