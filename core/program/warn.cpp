#include "core/program/warn.h"

#include <iostream>

#include "core/languages/terminal.h"

namespace subband {

void warn(const std::string& message) { std::cerr << "warning: " << shown_message(message) << "\n"; }

void warn(const std::vector<std::string>& messages) {
  for (const std::string& message : messages) warn(message);
}

}  // namespace subband
