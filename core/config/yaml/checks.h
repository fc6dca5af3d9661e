// What is refused of a YAML text before a parser sees it. Internal to core/config.
#pragma once
#include <string>
#include <string_view>

#include "core/config/node.h"

namespace subband::config {

/// ConfigError about a place of a YAML text.
[[noreturn]] void refuse_yaml(const Place& place, std::string message, const char* kind = "syntax");

[[noreturn]] void refuse_unknown_tag(const Place& place, const std::string& tag);

/// ConfigError where the text is no UTF-8, holds control characters, a line that begins with % and is no directive, or
/// what `wrong_word` finds.
void check_yaml_text(std::string_view text, const std::string& source);

}  // namespace subband::config
