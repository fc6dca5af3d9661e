// One table, many forms.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace subband {

struct TableColumn {
  std::string title;
  bool is_number = false;   ///< set to the right
  bool may_shrink = false;  ///< cut with an ellipsis where a terminal is too narrow
};

struct TableCell {
  std::string text;                        ///< for people
  nlohmann::ordered_json value = nullptr;  ///< for programs; null: the text
};

struct Table {
  std::string title;
  std::vector<TableColumn> columns;
  std::vector<std::vector<TableCell>> rows;  ///< each as long as `columns`
  std::vector<std::string> notes;            ///< lines below
};

/// Columns of a string on a terminal: UTF-8 letters counted once.
size_t display_width(std::string_view text);

/// Aligned text; columns that may shrink are cut so that no line is wider than `width`.
std::string to_terminal(const Table& table, size_t width = 100);
std::string to_markdown(const Table& table);
std::string to_html(const Table& table);
std::string to_latex(const Table& table);
/// RFC 4180: one header line, then one line a row; without title and notes.
std::string to_csv(const Table& table);
nlohmann::ordered_json to_json(const Table& table);

/// md, text, html, latex, csv, json. ConfigError for another word.
std::string format_table(const Table& table, std::string_view format);

}  // namespace subband
