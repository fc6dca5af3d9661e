// A report's tables as LaTeX; what is said below them as comments.
// Source  https://www.latex-project.org
#include "core/languages/latex.h"
#include "analysis/format.h"

namespace subband::formats::latex {

struct Config {
  void bind(Binder&) {}
};

static std::string line_of(const Table& table, const std::vector<std::string>& cells) {
  std::string line;
  bool is_first = true;
  for (size_t c = 0; c < cells.size(); ++c) {
    if (table.columns[c].is_for_data) continue;
    line += (is_first ? "" : " & ") + subband::latex::text(cells[c]);
    is_first = false;
  }
  return line + " \\\\\n";
}

static std::string written(const Table& table) {
  std::string text = "\\begin{tabular}{";
  std::vector<std::string> titles;
  for (const TableColumn& column : table.columns) {
    if (!column.is_for_data) text += column.is_number ? 'r' : 'l';
    titles.push_back(column.title);
  }
  text += "}\n\\hline\n" + line_of(table, titles) + "\\hline\n";
  for (const auto& row : table.rows) {
    std::vector<std::string> cells;
    for (const TableCell& cell : row) cells.push_back(cell.text);
    text += line_of(table, cells);
  }
  return text + "\\hline\n\\end{tabular}\n";
}

class Latex final : public Format {
 public:
  Latex(const Config&, const FormatContext&) {}
  std::string extension() const override { return ".tex"; }

  std::string write(const Report& report) const override {
    std::string text;
    for (const ReportBlock& block : report.blocks) {
      if (const auto* table = std::get_if<Table>(&block)) text += written(*table);
      for (const std::string& line : lines_of(block)) text += subband::latex::comment(line) + "\n";
    }
    return text;
  }
};

void add_to(FormatRegistry& r) {
  r.add<Latex, Config>({.name = "latex",
                        .summary = "tables for a paper, notes as comments",
                        .source = "https://www.latex-project.org"});
}

}  // namespace subband::formats::latex
