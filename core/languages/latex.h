// LaTeX, written: texts that are set letter by letter and never run.
#pragma once
#include <string>
#include <string_view>

namespace subband::latex {

/// Text in a paragraph or a table's cell. Line ends and control letters are shown as `\n`, `\x1b`.
std::string text(std::string_view text);
/// A line that LaTeX passes over.
std::string comment(std::string_view text);

}  // namespace subband::latex
