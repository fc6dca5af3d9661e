// Overrides as text: what a sweep needs to know of `a.b=c` without parsing its value.
#pragma once
#include <string>
#include <string_view>

namespace subband {

/// Whether it has the outer form of an override: `a.b=c`, `+a=b`, `++a=b`, `~a`, `~a=b`.
bool is_override(std::string_view text);
/// `net.width` of `++net.width=64`.
std::string override_key(std::string_view text);

}  // namespace subband
