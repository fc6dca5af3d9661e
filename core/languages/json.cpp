#include "core/languages/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/languages/letters.h"

namespace subband {

std::string json_document(const nlohmann::ordered_json& value, int indent) {
  const std::string text = value.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  constexpr auto kIsPlain = [](char byte) { return byte > 0 && byte != 0x7F; };
  if (std::ranges::all_of(text, kIsPlain)) return text;
  return rewritten(text, [](std::string& out, const Letter& letter, std::string_view bytes) {
    const bool is_layout = letter.code == '\n';  // of the document: inside strings it is an escape already
    if (letter.is_printed || is_layout)
      out += bytes;
    else if (letter.code <= 0xFFFF)
      out += fmt::format("\\u{:04x}", static_cast<uint32_t>(letter.code));
    else
      out += fmt::format("\\u{:04x}\\u{:04x}", static_cast<uint32_t>(0xD7C0 + (letter.code >> 10)),
                         static_cast<uint32_t>(0xDC00 + (letter.code & 0x3FF)));
  });
}

nlohmann::ordered_json json_number(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

}  // namespace subband
