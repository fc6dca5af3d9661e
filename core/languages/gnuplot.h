// Texts and numbers in a script of gnuplot's, which would run a shell's commands between backquotes.
#pragma once
#include <string>
#include <string_view>

namespace subband::gnuplot {

/// A string in double quotes: letters and blanks as they are, every other byte by its number (`\140`), digits too,
/// which would lengthen a number before them. Control letters are shown as `\x1b`.
std::string text(std::string_view text);

}  // namespace subband::gnuplot
