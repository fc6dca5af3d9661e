#include "analysis/report.h"

#include "analysis/claims.h"

namespace subband {

TableCell empty_cell(const std::string& text) { return {.text = text, .is_empty = true}; }

TableCell number_cell(const std::string& text, double value) { return {.text = text, .value = value}; }

TableCell cell_of(std::vector<Span> spans) {
  TableCell cell;
  for (const Span& span : spans) cell.text += span.text + (span.ends_line ? " " : "");
  cell.spans = std::move(spans);
  return cell;
}

std::vector<std::string> lines_of(const ReportBlock& block) {
  std::vector<std::string> lines;
  if (const auto* notes = std::get_if<Notes>(&block)) lines = notes->lines;
  if (const auto* claims = std::get_if<Claims>(&block))
    for (const SweepClaim& claim : claims->claims) lines.push_back(claim_line(claim));
  return lines;
}

std::vector<const Table*> tables_of(const Report& report) {
  std::vector<const Table*> tables;
  for (const ReportBlock& block : report.blocks)
    if (const auto* table = std::get_if<Table>(&block); table && !table->is_view) tables.push_back(table);
  return tables;
}

}  // namespace subband
