// A report for a terminal: aligned columns, cut where it is too narrow.
// Source  ours, what people read first
#include "analysis/format.h"
#include "core/languages/terminal.h"

namespace subband::formats::text {

struct Config {
  void bind(Binder&) {}
};

struct Column {
  TableColumn meaning;
  std::vector<std::string> cells;  ///< the title first, as shown
  size_t width = 0;
};

static std::vector<Column> columns_of(const Table& table) {
  std::vector<Column> columns;
  for (size_t c = 0; c < table.columns.size(); ++c) {
    if (table.columns[c].is_for_data) continue;
    Column column{.meaning = table.columns[c], .cells = {shown(table.columns[c].title)}};
    for (const auto& row : table.rows) column.cells.push_back(shown(row[c].text));
    if (table.best && column.meaning.title == "notes") {
      std::string& notes = column.cells[*table.best + 1];
      notes = notes.empty() ? "best" : "best; " + notes;
    }
    for (const std::string& cell : column.cells) column.width = std::max(column.width, display_width(cell));
    columns.push_back(std::move(column));
  }
  return columns;
}

// Takes from the widest column that may shrink until the line fits, leaving each at least eight letters.
static void shrink(std::vector<Column>& columns, size_t limit) {
  constexpr size_t kLeast = 8;
  size_t line = columns.empty() ? 0 : 2 * (columns.size() - 1);
  for (const Column& column : columns) line += column.width;
  for (; line > limit; --line) {
    Column* widest = nullptr;
    for (Column& column : columns) {
      if (!column.meaning.may_shrink || column.width <= kLeast) continue;
      if (widest == nullptr || column.width > widest->width) widest = &column;
    }
    if (widest == nullptr) return;
    --widest->width;
  }
}

static std::string line_of(const std::vector<Column>& columns, size_t row) {
  std::string line;
  for (const Column& column : columns) {
    const Side side = column.meaning.is_number ? Side::right : Side::left;
    line += (line.empty() ? "" : "  ") + padded(column.cells[row], column.width, side);
  }
  return line.erase(line.find_last_not_of(' ') + 1) + "\n";
}

static std::string written(const Table& table, size_t limit, bool has_colour) {
  std::vector<Column> columns = columns_of(table);
  shrink(columns, limit);
  for (Column& column : columns) column.cells = fitted_apart(column.cells, column.width);
  std::string text = line_of(columns, 0);
  for (size_t c = 0; c < columns.size(); ++c) {
    text += c == 0 ? "" : "  ";
    for (size_t i = 0; i < columns[c].width; ++i) text += "─";
  }
  text += "\n";
  for (size_t row = 0; row < table.rows.size(); ++row) {
    const std::string line = line_of(columns, row + 1);
    const bool is_lit = has_colour && table.best == row;
    text += is_lit ? "\033[1;32m" + line.substr(0, line.size() - 1) + "\033[0m\n" : line;
  }
  return text;
}

class Text final : public Format {
 public:
  Text(const Config&, const FormatContext& context)
      : columns_(context.columns), has_colour_(context.has_colour) {}
  std::string extension() const override { return ".txt"; }

  std::string write(const Report& report) const override {
    std::string text = report.title.empty() ? "" : shown(report.title) + "\n";
    for (const ReportBlock& block : report.blocks) {
      if (const auto* table = std::get_if<Table>(&block))
        text += (table->is_view ? "\n" : "") + written(*table, columns_, has_colour_);
      if (const auto* heading = std::get_if<Heading>(&block)) text += "\n" + shown(heading->text) + "\n";
      if (const auto* paragraph = std::get_if<Paragraph>(&block)) {
        for (const Span& span : paragraph->spans) text += shown(span.text);
        text += "\n";
      }
      for (const std::string& line : lines_of(block)) text += shown(line) + "\n";
    }
    return text;
  }

 private:
  size_t columns_;
  bool has_colour_;
};

void add_to(FormatRegistry& r) {
  r.add<Text, Config>(
      {.name = "text", .summary = "aligned text for a terminal", .source = "ours, what people read first"});
}

}  // namespace subband::formats::text
