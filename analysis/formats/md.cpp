// A report as GitHub's Markdown.
// Source  https://github.github.com/gfm
#include "analysis/format.h"
#include "core/languages/markdown.h"
#include "core/text.h"

namespace subband::formats::md {

struct Config {
  void bind(Binder&) {}
};

static std::string written(const Span& span, bool has_edges) {
  std::string text = span.look == Look::code     ? markdown::code(span.text)
                     : span.look == Look::strong ? markdown::strong(span.text)
                                                 : markdown::text(span.text, has_edges);
  if (!span.link.empty()) text = markdown::link(text, span.link);
  return text + (span.ends_line ? "<br>" : "");
}

static std::string written(const std::vector<Span>& spans) {
  std::string text;
  for (const Span& span : spans) {
    const bool opens = &span == &spans.front() && span.text.starts_with(' ');
    const bool closes = &span == &spans.back() && span.text.ends_with(' ');
    text += written(span, opens || closes);
  }
  return text;
}

static std::string written(const TableCell& cell) {
  return cell.spans.empty() ? markdown::text(cell.text) : written(cell.spans);
}

static std::string written(const Table& table) {
  std::string text, rule;
  for (const TableColumn& column : table.columns) {
    if (column.is_for_data) continue;
    text += "| " + markdown::text(column.title) + " ";
    rule += column.is_number ? "|--:" : "|---";
  }
  text += "|\n" + rule + "|\n";
  for (const auto& row : table.rows) {
    for (size_t c = 0; c < row.size(); ++c)
      if (!table.columns[c].is_for_data) text += "| " + written(row[c]) + " ";
    text += "|\n";
  }
  return text;
}

// A block with its line end, or nothing where it has nothing to show.
static std::string written(const ReportBlock& block) {
  if (const auto* heading = std::get_if<Heading>(&block)) return "## " + markdown::line(heading->text) + "\n";
  if (const auto* paragraph = std::get_if<Paragraph>(&block)) return written(paragraph->spans) + "\n";
  if (const auto* table = std::get_if<Table>(&block)) return written(*table);
  if (const auto* curves = std::get_if<Curves>(&block))
    return curves->link.empty()
               ? ""
               : markdown::picture("learning curves of " + curves->title, curves->link) + "\n";
  std::string items;
  for (const std::string& line : lines_of(block)) items += "- " + markdown::line(line) + "\n";
  return items;
}

class Markdown final : public Format {
 public:
  Markdown(const Config&, const FormatContext&) {}
  std::string extension() const override { return ".md"; }

  std::string write(const Report& report) const override {
    std::string text;
    if (!report.title.empty()) text = (report.is_page ? "# " : "## ") + markdown::line(report.title) + "\n";
    bool was_list = false;
    for (const ReportBlock& block : report.blocks) {
      const std::string part = written(block);
      if (part.empty()) continue;
      const bool is_list = std::holds_alternative<Claims>(block) || std::holds_alternative<Notes>(block);
      if (!text.empty() && !(is_list && was_list)) text += "\n";
      text += part;
      was_list = is_list;
    }
    return text;
  }
};

void add_to(FormatRegistry& r) {
  r.add<Markdown, Config>(
      {.name = "md", .summary = "GitHub's Markdown", .source = "https://github.github.com/gfm"});
}

}  // namespace subband::formats::md
