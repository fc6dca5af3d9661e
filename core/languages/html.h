// HTML, written: texts between tags and in attributes, and addresses.
#pragma once
#include <string>
#include <string_view>

namespace subband::html {

/// Text between tags or in an attribute's quotes. What no page can hold (control letters, bytes that are no UTF-8) is shown
/// as `\x1b`.
std::string text(std::string_view text);
/// The address of a file beside the page: every byte but letters, digits and `-._~/` as `%20`.
std::string path(std::string_view path);

}  // namespace subband::html
