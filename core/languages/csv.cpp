#include "core/languages/csv.h"

#include <cmath>

#include "core/languages/letters.h"
#include "core/text.h"

namespace subband::csv {

namespace {

// Whether a spreadsheet may take the text for a formula: it begins with a sign, also in its wide form, or with what is not
// printed.
bool may_be_formula(std::string_view text) {
  if (text.empty() || parse_number(text)) return false;
  const Letter first = first_letter(text);
  switch (first.code) {
    case '=':
    case '+':
    case '-':
    case '@':
    case 0x2212:
    case 0xFF1D:
    case 0xFF0B:
    case 0xFF0D:
    case 0xFF20:
      return true;
    default:
      return !first.is_printed;
  }
}

}  // namespace

std::string field(std::string_view text) {
  bool is_quoted = may_be_formula(text);
  const std::string guard = is_quoted ? "'" : "";
  const std::string inside =
      rewritten(text, [&](std::string& out, const Letter& letter, std::string_view bytes) {
        const bool is_layout = letter.code == '\n' || letter.code == '\r' || letter.code == '\t';
        is_quoted = is_quoted || is_layout || letter.code == ',' || letter.code == '"';
        if (letter.code == '"')
          out += "\"\"";
        else
          out += letter.is_printed || is_layout ? std::string(bytes) : escape_of(letter);
      });
  const bool has_edge = !text.empty() && (text.front() == ' ' || text.back() == ' ');
  return is_quoted || has_edge ? "\"" + guard + inside + "\"" : inside;
}

std::string field(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  return number_text(number);
}

}  // namespace subband::csv
