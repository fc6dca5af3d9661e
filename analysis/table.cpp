#include "analysis/table.h"

#include <algorithm>
#include <cassert>

#include "core/error.h"
#include "core/text.h"

namespace subband {

using Json = nlohmann::ordered_json;

namespace {

std::vector<size_t> column_widths(const Table& table) {
  std::vector<size_t> widths;
  for (size_t c = 0; c < table.columns.size(); ++c) {
    size_t width = display_width(table.columns[c].title);
    for (const auto& row : table.rows) width = std::max(width, display_width(row[c].text));
    widths.push_back(width);
  }
  return widths;
}

// Takes from the widest column that may shrink until the line fits, leaving each at least eight letters.
void shrink(const Table& table, std::vector<size_t>& widths, size_t limit) {
  constexpr size_t kLeast = 8;
  const auto line = [&] {
    size_t sum = widths.empty() ? 0 : 2 * (widths.size() - 1);
    for (const size_t width : widths) sum += width;
    return sum;
  };
  while (line() > limit) {
    size_t widest = widths.size();
    for (size_t c = 0; c < widths.size(); ++c) {
      if (!table.columns[c].may_shrink || widths[c] <= kLeast) continue;
      if (widest == widths.size() || widths[c] > widths[widest]) widest = c;
    }
    if (widest == widths.size()) return;
    --widths[widest];
  }
}

std::string cut(const std::string& text, size_t width) {
  if (display_width(text) <= width) return text;
  std::string kept;
  size_t letters = 0;
  for (size_t i = 0; i < text.size() && letters + 1 < width; ++letters) {
    do kept += text[i++];
    while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80);
  }
  return kept + "…";
}

std::string padded(const std::string& text, size_t width, bool right) {
  const std::string fitted = cut(text, width);
  const std::string blank(width - display_width(fitted), ' ');
  return right ? blank + fitted : fitted + blank;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

std::string markdown_text(const std::string& text) { return replaced(replaced(text, "\n", " "), "|", "\\|"); }

std::string html_text(const std::string& text) {
  return replaced(replaced(replaced(text, "&", "&amp;"), "<", "&lt;"), ">", "&gt;");
}

std::string latex_text(const std::string& text) {
  std::string out;
  for (const char letter : text) {
    if (letter == '\\')
      out += "\\textbackslash{}";
    else if (letter == '~')
      out += "\\textasciitilde{}";
    else if (letter == '^')
      out += "\\textasciicircum{}";
    else if (std::string_view("&%$#_{}").find(letter) != std::string_view::npos)
      out += std::string("\\") + letter;
    else
      out += letter;
  }
  const std::pair<const char*, const char*> kSigns[] = {{"±", "$\\pm$"},        {"−", "$-$"},
                                                        {"✓", "\\checkmark{}"}, {"✗", "$\\times$"},
                                                        {"…", "\\ldots{}"},     {"–", "--"}};
  for (const auto& [sign, command] : kSigns) out = replaced(std::move(out), sign, command);
  return out;
}

std::string csv_text(const TableCell& cell) {
  std::string text = cell.text;
  if (cell.value.is_string())
    text = cell.value.get<std::string>();
  else if (cell.value.is_number_float())
    text = number_text(cell.value.get<double>());
  else if (!cell.value.is_null())
    text = cell.value.dump();
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return "\"" + replaced(std::move(text), "\"", "\"\"") + "\"";
}

}  // namespace

size_t display_width(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string to_terminal(const Table& table, size_t width) {
  std::vector<size_t> widths = column_widths(table);
  shrink(table, widths, width);
  std::string text = table.title.empty() ? "" : table.title + "\n";
  std::string header, rule;
  for (size_t c = 0; c < widths.size(); ++c) {
    const char* between = c == 0 ? "" : "  ";
    header += between + padded(table.columns[c].title, widths[c], table.columns[c].is_number);
    rule += between;
    for (size_t i = 0; i < widths[c]; ++i) rule += "─";
  }
  const auto line = [](std::string whole) { return whole.erase(whole.find_last_not_of(' ') + 1) + "\n"; };
  text += line(header) + rule + "\n";
  for (const auto& row : table.rows) {
    assert(row.size() == widths.size());
    std::string cells;
    for (size_t c = 0; c < widths.size(); ++c)
      cells += (c == 0 ? "" : "  ") + padded(row[c].text, widths[c], table.columns[c].is_number);
    text += line(cells);
  }
  for (const std::string& note : table.notes) text += note + "\n";
  return text;
}

std::string to_markdown(const Table& table) {
  std::string text = table.title.empty() ? "" : "## " + table.title + "\n\n";
  std::string rule;
  for (const TableColumn& column : table.columns) {
    text += "| " + markdown_text(column.title) + " ";
    rule += column.is_number ? "|--:" : "|---";
  }
  text += "|\n" + rule + "|\n";
  for (const auto& row : table.rows) {
    for (const TableCell& cell : row) text += "| " + markdown_text(cell.text) + " ";
    text += "|\n";
  }
  if (!table.notes.empty()) text += "\n";
  for (const std::string& note : table.notes) text += "- " + note + "\n";
  return text;
}

std::string to_html(const Table& table) {
  std::string text = "<table>\n";
  if (!table.title.empty()) text += "<caption>" + html_text(table.title) + "</caption>\n";
  const auto row_of = [](const std::string& tag, const std::vector<std::string>& cells,
                         const std::vector<TableColumn>& columns) {
    std::string row = "<tr>";
    for (size_t c = 0; c < cells.size(); ++c)
      row += "<" + tag + (columns[c].is_number ? " align=\"right\">" : ">") + html_text(cells[c]) + "</" +
             tag + ">";
    return row + "</tr>\n";
  };
  std::vector<std::string> titles;
  for (const TableColumn& column : table.columns) titles.push_back(column.title);
  text += row_of("th", titles, table.columns);
  for (const auto& row : table.rows) {
    std::vector<std::string> cells;
    for (const TableCell& cell : row) cells.push_back(cell.text);
    text += row_of("td", cells, table.columns);
  }
  text += "</table>\n";
  for (const std::string& note : table.notes) text += "<p>" + html_text(note) + "</p>\n";
  return text;
}

std::string to_latex(const Table& table) {
  std::string text = "\\begin{tabular}{";
  for (const TableColumn& column : table.columns) text += column.is_number ? 'r' : 'l';
  text += "}\n\\hline\n";
  for (size_t c = 0; c < table.columns.size(); ++c)
    text += (c == 0 ? "" : " & ") + latex_text(table.columns[c].title);
  text += " \\\\\n\\hline\n";
  for (const auto& row : table.rows) {
    for (size_t c = 0; c < row.size(); ++c) text += (c == 0 ? "" : " & ") + latex_text(row[c].text);
    text += " \\\\\n";
  }
  text += "\\hline\n\\end{tabular}\n";
  for (const std::string& note : table.notes) text += "% " + note + "\n";
  return text;
}

std::string to_csv(const Table& table) {
  std::string text;
  for (size_t c = 0; c < table.columns.size(); ++c)
    text += (c == 0 ? "" : ",") + csv_text({.text = table.columns[c].title});
  text += "\r\n";
  for (const auto& row : table.rows) {
    for (size_t c = 0; c < row.size(); ++c) text += (c == 0 ? "" : ",") + csv_text(row[c]);
    text += "\r\n";
  }
  return text;
}

Json to_json(const Table& table) {
  Json document = {{"title", table.title}, {"rows", Json::array()}, {"notes", table.notes}};
  for (const auto& row : table.rows) {
    Json object = Json::object();
    for (size_t c = 0; c < row.size(); ++c)
      object[table.columns[c].title] = row[c].value.is_null() ? Json(row[c].text) : row[c].value;
    document["rows"].push_back(std::move(object));
  }
  return document;
}

std::string format_table(const Table& table, std::string_view format) {
  static const std::vector<std::string> kFormats = {"md", "text", "html", "latex", "csv", "json"};
  if (format == "md") return to_markdown(table);
  if (format == "text") return to_terminal(table);
  if (format == "html") return to_html(table);
  if (format == "latex") return to_latex(table);
  if (format == "csv") return to_csv(table);
  if (format == "json") return to_json(table).dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  throw ConfigError("command line",
                    "--format = " + std::string(format) + ": unknown format" + suggestion(format, kFormats),
                    "bad_value");
}

}  // namespace subband
