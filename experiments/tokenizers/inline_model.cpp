#include "experiments/tokenizers/inline_model.h"

#include <string_view>

#include "core/error.h"
#include "core/files.h"
#include "experiments/data/files/data_place.h"

namespace subband {

namespace {

constexpr std::string_view kInlineModel = "inline:";
constexpr std::string_view kHexDigits = "0123456789abcdef";

std::string bytes_of_digits(std::string_view digits, const std::string& place) {
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    const size_t high = kHexDigits.find(digits[i]);
    const size_t low = i + 1 < digits.size() ? kHexDigits.find(digits[i + 1]) : std::string_view::npos;
    if (high == std::string_view::npos || low == std::string_view::npos)
      throw Error(place, "must be pairs of hex digits, 0 to 9 and a to f");
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

}  // namespace

TokenizerModel read_tokenizer_model(const std::string& field) {
  if (field.starts_with(kInlineModel)) {
    const std::string place = "tokenizer.model = inline";
    return {place, bytes_of_digits(std::string_view(field).substr(kInlineModel.size()), place)};
  }
  const auto file = locate_data("tokenizer.model", program_root(), field,
                                "subband import waveletlm writes the one of a published PG-19 checkpoint");
  return {file.string(), read_file(file)};
}

std::string inline_tokenizer_model(const std::string& bytes) {
  std::string text(kInlineModel);
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    text += kHexDigits[value >> 4], text += kHexDigits[value & 15];
  }
  return text;
}

}  // namespace subband
