#include "core/languages/html.h"

#include <fmt/format.h>

#include "core/languages/letters.h"

namespace subband::html {

std::string text(std::string_view text) {
  return rewritten(text, [](std::string& out, const Letter& letter, std::string_view bytes) {
    constexpr std::string_view kByNumber = "&<>\"'\n\r\t";
    const bool is_ascii = letter.is_valid && letter.code < 0x80;
    if (letter.code == '&')
      out += "&amp;";
    else if (letter.code == '<')
      out += "&lt;";
    else if (letter.code == '>')
      out += "&gt;";
    else if (is_ascii && kByNumber.find(static_cast<char>(letter.code)) != std::string_view::npos)
      out += fmt::format("&#{};", static_cast<uint32_t>(letter.code));
    else
      out += letter.is_printed ? std::string(bytes) : escape_of(letter);
  });
}

std::string path(std::string_view path) {
  std::string out;
  for (const char byte : path) {
    const bool is_letter = (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
    const bool is_plain =
        is_letter || (byte != '\0' && std::string_view("-._~/").find(byte) != std::string_view::npos);
    out += is_plain ? std::string(1, byte) : fmt::format("%{:02X}", static_cast<unsigned char>(byte));
  }
  return out;
}

}  // namespace subband::html
