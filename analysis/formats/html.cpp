// A report as HTML, to be put into a page.
// Source  https://html.spec.whatwg.org
#include "core/languages/html.h"
#include "analysis/format.h"

namespace subband::formats::html {

struct Config {
  void bind(Binder&) {}
};

static std::string written(const std::vector<Span>& spans) {
  std::string text;
  for (const Span& span : spans) {
    const std::string inner = subband::html::text(span.text);
    std::string piece = span.look == Look::code     ? "<code>" + inner + "</code>"
                        : span.look == Look::strong ? "<b>" + inner + "</b>"
                                                    : inner;
    if (!span.link.empty()) piece = "<a href=\"" + subband::html::path(span.link) + "\">" + piece + "</a>";
    text += piece + (span.ends_line ? "<br>" : "");
  }
  return text;
}

static std::string row_of(const Table& table, const std::string& tag, const std::vector<std::string>& cells) {
  std::string row = "<tr>";
  for (size_t c = 0; c < cells.size(); ++c) {
    const TableColumn& column = table.columns[c];
    if (!column.is_for_data)
      row += "<" + tag + (column.is_number ? " align=\"right\">" : ">") + cells[c] + "</" + tag + ">";
  }
  return row + "</tr>\n";
}

static std::string written(const Table& table, const std::string& caption) {
  std::string text = "<table>\n";
  if (!caption.empty()) text += "<caption>" + subband::html::text(caption) + "</caption>\n";
  std::vector<std::string> titles;
  for (const TableColumn& column : table.columns) titles.push_back(subband::html::text(column.title));
  text += row_of(table, "th", titles);
  for (const auto& row : table.rows) {
    std::vector<std::string> cells;
    for (const TableCell& cell : row)
      cells.push_back(cell.spans.empty() ? subband::html::text(cell.text) : written(cell.spans));
    text += row_of(table, "td", cells);
  }
  return text + "</table>\n";
}

class Html final : public Format {
 public:
  Html(const Config&, const FormatContext&) {}
  std::string extension() const override { return ".html"; }

  // The title is the first table's caption.
  std::string write(const Report& report) const override {
    std::string text, caption = report.title;
    for (const ReportBlock& block : report.blocks) {
      if (const auto* table = std::get_if<Table>(&block)) text += written(*table, std::exchange(caption, ""));
      if (const auto* heading = std::get_if<Heading>(&block))
        text += "<h2>" + subband::html::text(heading->text) + "</h2>\n";
      if (const auto* paragraph = std::get_if<Paragraph>(&block))
        text += "<p>" + written(paragraph->spans) + "</p>\n";
      if (const auto* curves = std::get_if<Curves>(&block); curves && !curves->link.empty())
        text += "<p><img src=\"" + subband::html::path(curves->link) + "\" alt=\"" +
                subband::html::text("learning curves of " + curves->title) + "\"></p>\n";
      for (const std::string& line : lines_of(block)) text += "<p>" + subband::html::text(line) + "</p>\n";
    }
    return text;
  }
};

void add_to(FormatRegistry& r) {
  r.add<Html, Config>(
      {.name = "html", .summary = "HTML, to be put into a page", .source = "https://html.spec.whatwg.org"});
}

}  // namespace subband::formats::html
