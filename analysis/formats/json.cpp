// A report for programs: title, rows as objects by column, notes, claims, and whatever else is known.
// Source  RFC 8259
#include "core/languages/json.h"
#include "analysis/format.h"

namespace subband::formats::json {

struct Config {
  void bind(Binder&) {}
};

using Value = nlohmann::ordered_json;

// Programs read words where JSON has no number.
static Value value_of(const TableCell& cell) {
  if (cell.is_empty) return nullptr;
  if (cell.value.is_null()) return cell.text;
  return cell.value.is_number_float() ? json_number(cell.value.get<double>()) : cell.value;
}

static Value row_of(const Table& table, const std::vector<TableCell>& row) {
  Value object = Value::object();
  for (size_t c = 0; c < row.size(); ++c) {
    std::string key = table.columns[c].title;
    for (int number = 2; object.contains(key); ++number)  // columns of one title are kept apart
      key = table.columns[c].title + " (" + std::to_string(number) + ")";
    object[key] = value_of(row[c]);
  }
  return object;
}

static Value claims_of(const Claims& block) {
  Value claims = Value::array();
  for (const SweepClaim& claim : block.claims) {
    claims.push_back({{"row", claim.row},
                      {"is", claim.is},
                      {"by", claim.by},
                      {"holds", claim.holds ? Value(*claim.holds) : Value()},
                      {"found", claim.finding}});
    if (claim.error) claims.back()["error"] = *claim.error, claims.back()["verdict"] = claim.verdict;
  }
  return claims;
}

Value document_of(const Report& report);
Value document_of(const Report& report) {
  Value document = {{"title", report.title}, {"rows", Value::array()}, {"notes", Value::array()}};
  for (const Table* table : tables_of(report))
    for (const auto& row : table->rows) document["rows"].push_back(row_of(*table, row));
  for (const ReportBlock& block : report.blocks)
    for (const std::string& line : lines_of(block)) document["notes"].push_back(line);
  for (const auto& [key, value] : report.facts.items()) document[key] = value;
  for (const ReportBlock& block : report.blocks) {
    if (const auto* claims = std::get_if<Claims>(&block)) document["claims"] = claims_of(*claims);
    if (const auto* curves = std::get_if<Curves>(&block))
      document["picture"] = curves->picture.empty() ? Value() : Value(curves->picture.string());
  }
  return document;
}

class Json final : public Format {
 public:
  Json(const Config&, const FormatContext&) {}
  std::string extension() const override { return ".json"; }
  std::string write(const Report& report) const override {
    return json_document(document_of(report), 1) + "\n";
  }
};

void add_to(FormatRegistry& r) {
  r.add<Json, Config>({.name = "json", .summary = "everything, for programs", .source = "RFC 8259"});
}

}  // namespace subband::formats::json
