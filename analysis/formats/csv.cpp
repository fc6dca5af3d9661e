// A report's tables for spreadsheets and programs: one header line, then one line a row; numbers in full.
// Source  RFC 4180
#include "core/languages/csv.h"
#include "analysis/format.h"
#include "core/text.h"

namespace subband::formats::csv {

struct Config {
  void bind(Binder&) {}
};

static std::string field(const TableCell& cell) {
  if (cell.is_empty) return "";
  if (cell.value.is_number_float()) return subband::csv::field(cell.value.get<double>());
  if (cell.value.is_number_integer()) return std::to_string(cell.value.get<int64_t>());
  return subband::csv::field(cell.value.is_string() ? cell.value.get<std::string>() : cell.text);
}

static void add_line(std::string& text, const std::vector<std::string>& fields) {
  text += join(fields, ",") + "\r\n";
}

class Csv final : public Format {
 public:
  Csv(const Config&, const FormatContext&) {}
  std::string extension() const override { return ".csv"; }

  std::string write(const Report& report) const override {
    std::string text;
    for (const Table* table : tables_of(report)) {
      if (!text.empty()) text += "\r\n";
      std::vector<std::string> titles;
      for (const TableColumn& column : table->columns) titles.push_back(subband::csv::field(column.title));
      add_line(text, titles);
      for (const auto& row : table->rows) {
        std::vector<std::string> fields;
        for (const TableCell& cell : row) fields.push_back(field(cell));
        add_line(text, fields);
      }
    }
    return text;
  }
};

void add_to(FormatRegistry& r) {
  r.add<Csv, Config>(
      {.name = "csv", .summary = "tables alone, for spreadsheets and programs", .source = "RFC 4180"});
}

}  // namespace subband::formats::csv
