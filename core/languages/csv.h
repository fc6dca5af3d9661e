// CSV after RFC 4180, written: numbers are numbers, texts are texts, and no spreadsheet takes a text for a formula.
#pragma once
#include <string>
#include <string_view>

namespace subband::csv {

/// A field. Text that a spreadsheet would compute (`=1+1`, `@SUM(1)`, `+x`) gets an apostrophe in front, as OWASP advises;
/// numbers do not. Control letters but line ends and tabs are shown as `\x1b`.
std::string field(std::string_view text);
/// The shortest text that reads back to the same number; `inf`, `-inf`, `nan`.
std::string field(double number);

}  // namespace subband::csv
