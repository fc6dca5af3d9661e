// Which characters the value grammar takes where. Internal to core/config.
#pragma once
#include <string_view>

namespace subband::config {

inline bool is_blank(char c) { return c == ' ' || c == '\t'; }

inline bool is_word_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

inline bool is_unquoted(char c) {
  constexpr std::string_view kOthers = "/-\\+.$%*@?|: \t";
  return is_word_start(c) || (c >= '0' && c <= '9') || kOthers.find(c) != std::string_view::npos;
}

inline bool can_be_escaped(char c) {
  return c != '\0' && std::string_view("\\()[]{}:=, \t").find(c) != std::string_view::npos;
}

}  // namespace subband::config
