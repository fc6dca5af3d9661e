// Letters of UTF-8, one by one and as people see them: what the writers of every language are made of.
#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace subband {

/// Bytes of the well-formed UTF-8 letter at the front of a text that is not empty, or 0.
size_t utf8_length(std::string_view text);

/// One code point. A byte that is no UTF-8 is a letter of its own.
struct Letter {
  char32_t code = 0;       ///< of a byte that is no UTF-8: the byte
  size_t bytes = 0;        ///< that it takes
  bool is_valid = true;    ///< whether it is UTF-8
  bool is_printed = true;  ///< a letter, mark, number, sign or blank, or a joiner of letters
};
/// The letter at the front of a text that is not empty.
Letter first_letter(std::string_view text);

/// Bytes of what people see as one letter at the front of a text that is not empty: with its marks, joined emoji whole.
size_t grapheme_bytes(std::string_view text);

/// `\n`, `\x1b`, `\u202e`, `\xff`: how a letter that is not printed is shown.
std::string escape_of(const Letter& letter);

/// A text rewritten letter by letter: `write` appends each to what comes out.
using WriteLetter = std::function<void(std::string& out, const Letter& letter, std::string_view bytes)>;
std::string rewritten(std::string_view text, const WriteLetter& write);

}  // namespace subband
