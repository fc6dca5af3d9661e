#include "core/languages/gnuplot.h"

#include <fmt/format.h>

#include "core/languages/terminal.h"

namespace subband::gnuplot {

std::string text(std::string_view text) {
  std::string out = "\"";
  for (const char byte : shown(text)) {
    const bool is_plain = ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') || byte == ' ';
    out += is_plain ? std::string(1, byte) : fmt::format("\\{:03o}", static_cast<unsigned char>(byte));
  }
  return out + "\"";
}

}  // namespace subband::gnuplot
