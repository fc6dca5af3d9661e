// GitHub's Markdown, written: every text comes back letter by letter from its reader. Letters that mean something there,
// or could, are escaped; what no page can hold (control letters, bytes that are no UTF-8) is shown as `\x1b`.
#pragma once
#include <string>
#include <string_view>

namespace subband::markdown {

/// Text inside a line: a table's cell, what stands behind other text. `has_edges`: blanks at its ends would be lost.
std::string text(std::string_view text, bool has_edges = true);
/// Text at the beginning of a line: a heading, an item of a list, a paragraph.
std::string line(std::string_view text);
/// Text as code, in a table too.
std::string code(std::string_view text);
std::string strong(std::string_view text);
/// A link to a file beside the page; `written`: Markdown.
std::string link(std::string_view written, std::string_view path);
/// A picture beside the page.
std::string picture(std::string_view description, std::string_view path);

}  // namespace subband::markdown
