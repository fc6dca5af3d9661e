#include "sweeps/overrides.h"

#include <algorithm>
#include <cctype>

namespace subband {

static std::string_view without_sign(std::string_view text) {
  for (const std::string_view sign : {"++", "+", "~"})
    if (text.starts_with(sign)) return text.substr(sign.size());
  return text;
}

bool is_override(std::string_view text) {
  const std::string_view rest = without_sign(text);
  const std::string_view key = rest.substr(0, rest.find('='));
  const auto is_key_letter = [](unsigned char c) {
    return std::isalnum(c) != 0 || c >= 0x80 ||
           std::string_view("._-/@:").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (key.empty() || !std::ranges::all_of(key, is_key_letter)) return false;
  return text.starts_with('~') || rest.size() > key.size();
}

std::string override_key(std::string_view text) {
  const std::string_view rest = without_sign(text);
  return std::string(rest.substr(0, rest.find('=')));
}

}  // namespace subband
