#include "core/languages/letters.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace subband {

namespace {

// A pattern that is tried at the front of a text.
class FrontPattern {
 public:
  explicit FrontPattern(const char* pattern) {
    int error = 0;
    PCRE2_SIZE place = 0;
    const uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_ANCHORED | PCRE2_MATCH_INVALID_UTF;
    code_.reset(::pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern), PCRE2_ZERO_TERMINATED, options, &error,
                                &place, nullptr));
    if (!code_) throw std::logic_error(std::string("pattern ") + pattern);
  }
  // Bytes that match, or 0.
  size_t matches(std::string_view text) const {
    const std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data*)> data(
        ::pcre2_match_data_create(1, nullptr), ::pcre2_match_data_free);
    const int found = ::pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0,
                                    data.get(), nullptr);
    return found < 0 ? 0 : ::pcre2_get_ovector_pointer(data.get())[1];
  }

 private:
  struct Free {
    void operator()(pcre2_code* code) const { ::pcre2_code_free(code); }
  };
  std::unique_ptr<pcre2_code, Free> code_;
};

constexpr size_t kLongestGrapheme = 256;  // bytes; what is longer is cut there

bool is_printed(std::string_view letter) {
  static const FrontPattern kPrinted("[\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Zs}\\x{200C}\\x{200D}]");
  return kPrinted.matches(letter) > 0;
}

}  // namespace

// No overlong forms, no surrogates.
size_t utf8_length(std::string_view s) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char c = byte(0);
  if (c < 0x80) return 1;
  const size_t length = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
  if (c < 0xC2 || c > 0xF4 || s.size() < length) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  const unsigned char d = byte(1);
  const bool overlong = (c == 0xE0 && d < 0xA0) || (c == 0xF0 && d < 0x90);
  const bool outside = (c == 0xED && d > 0x9F) || (c == 0xF4 && d > 0x8F);
  return overlong || outside ? 0 : length;
}

Letter first_letter(std::string_view text) {
  const auto byte = static_cast<unsigned char>(text[0]);
  if (byte < 0x80) return {.code = byte, .bytes = 1, .is_printed = byte >= 0x20 && byte != 0x7F};
  const size_t bytes = utf8_length(text);
  if (bytes == 0) return {.code = byte, .bytes = 1, .is_valid = false, .is_printed = false};
  char32_t code = byte & (0xFFU >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
  return {.code = code, .bytes = bytes, .is_printed = is_printed(text.substr(0, bytes))};
}

size_t grapheme_bytes(std::string_view text) {
  static const FrontPattern kGrapheme("\\X");
  return std::max<size_t>(kGrapheme.matches(text.substr(0, kLongestGrapheme)), first_letter(text).bytes);
}

std::string escape_of(const Letter& letter) {
  if (letter.code == '\n') return "\\n";
  if (letter.code == '\r') return "\\r";
  if (letter.code == '\t') return "\\t";
  if (letter.code < 0x80 || !letter.is_valid)
    return fmt::format("\\x{:02x}", static_cast<uint32_t>(letter.code));
  if (letter.code <= 0xFFFF) return fmt::format("\\u{:04x}", static_cast<uint32_t>(letter.code));
  return fmt::format("\\U{:08x}", static_cast<uint32_t>(letter.code));
}

std::string rewritten(std::string_view text, const WriteLetter& write) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const Letter letter = first_letter(text.substr(at));
    write(out, letter, text.substr(at, letter.bytes));
    at += letter.bytes;
  }
  return out;
}

}  // namespace subband
