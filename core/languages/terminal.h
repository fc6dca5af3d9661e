// Text on a terminal: how many columns it takes, how it is cut, and that it is shown, never obeyed. The one place where
// letters are measured.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace subband {

class Error;

/// Columns on a terminal, grapheme by grapheme: an East Asian letter or an emoji takes two, what is set above another
/// letter takes none.
size_t display_width(std::string_view text);

enum class Cut { end, middle, begin };  ///< where letters are left out
/// Not wider than `width` columns: cut between graphemes, `…` in place of what is left out.
std::string fitted(std::string_view text, size_t width, Cut cut = Cut::end);

/// The texts of one column, none wider than `width`: cut so that those that differ still do, wherever they differ.
std::vector<std::string> fitted_apart(const std::vector<std::string>& texts, size_t width);

enum class Side { left, right };
/// Fitted, and filled with blanks to exactly `width` columns; `side`: where the text stands.
std::string padded(std::string_view text, size_t width, Side side = Side::left);

/// One line that a terminal shows: control letters, line ends, marks that turn the direction of writing and bytes that
/// are no UTF-8 as escapes (`\x1b`, `\n`, `\u202e`, `\xff`).
std::string shown(std::string_view text);
/// The same for text of several lines: line ends and tabs stay.
std::string shown_lines(std::string_view text);
/// A name in a list or a message: shown, and cut in its middle.
std::string shown_name(std::string_view text, size_t width = 80);
/// A message: shown, words that nobody reads to their end cut in their middles, and so is the whole.
std::string shown_message(std::string_view text);

/// The problems of an error, one line each, none longer than a person would read.
std::string error_lines(const Error& error);

/// Columns of the terminal at a file descriptor; nothing where there is none.
std::optional<size_t> terminal_columns(int descriptor);

}  // namespace subband
