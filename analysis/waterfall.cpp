#include "analysis/waterfall.h"

#include <fmt/format.h>

#include <cmath>

#include "core/languages/numbers.h"

namespace subband {

namespace {

bool is_ladder(const std::vector<ComparedRow>& rows) {
  if (rows.size() < 3) return false;
  for (size_t i = 1; i < rows.size(); ++i)
    if (rows[i].baseline != rows[i - 1].label) return false;
  return true;
}

void add_change(Table& table, const std::string& label, const TableCell& value, const PairedDifference& change,
                double whole) {
  const auto number = [](double each) {
    return std::isfinite(each) ? number_cell(signed_text(each), each) : empty_cell();
  };
  const double share = 100 * change.mean / whole;
  table.rows.push_back({{.text = label},
                        value,
                        number(change.mean),
                        number(change.low),
                        number(change.high),
                        std::isfinite(share) ? number_cell(fmt::format("{:.0f} %", share), share) : empty_cell()});
}

}  // namespace

std::optional<Table> waterfall_table(const Comparison& comparison) {
  const std::vector<ComparedRow>& rows = comparison.rows;
  if (!is_ladder(rows)) return std::nullopt;
  Table table{.columns = {{.title = "from the first row to the last", .may_shrink = true},
                          {.title = comparison.metric, .is_number = true},
                          {.title = "change", .is_number = true},
                          {.title = "low", .is_number = true},
                          {.title = "high", .is_number = true},
                          {.title = "share", .is_number = true}},
              .is_view = true};
  const auto value_of = [](const ComparedRow& row) {
    return row.summary.count == 0 ? empty_cell() : number_cell(decimal_text(row.summary.mean), row.summary.mean);
  };
  const PairedDifference whole = paired_difference(rows.back().values, rows.front().values);
  table.rows.push_back({{.text = rows.front().label}, value_of(rows.front()), empty_cell(), empty_cell(),
                        empty_cell(), empty_cell()});
  for (size_t i = 1; i < rows.size(); ++i)
    add_change(table, rows[i].label, value_of(rows[i]), rows[i].difference, whole.mean);
  add_change(table, "in all", empty_cell(), whole, whole.mean);
  return table;
}

}  // namespace subband
