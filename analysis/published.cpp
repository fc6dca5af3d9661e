#include "analysis/published.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/error.h"
#include "core/files.h"
#include "core/languages/numbers.h"
#include "core/text.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

constexpr const char* kColumns = "row,seed,run_id,date,params,epochs,val_loss,bpb,ppl,vram_mib,hours";
enum Column : size_t {
  row,
  seed,
  run_id,
  date,
  params,
  epochs,
  val_loss,
  bpb,
  ppl,
  vram_mib,
  hours,
  columns
};

fs::path published_folder() { return program_root() / "analysis/published"; }

// One line of CSV; a field with commas stands in quotes.
std::vector<std::string> published_fields(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const bool doubled = quoted && line[i] == '"' && i + 1 < line.size() && line[i + 1] == '"';
    if (doubled)
      fields.back() += line[i++];
    else if (line[i] == '"')
      quoted = !quoted;
    else if (line[i] == ',' && !quoted)
      fields.emplace_back();
    else
      fields.back() += line[i];
  }
  return fields;
}

PublishedRun published_run(const std::vector<std::string>& fields, const std::string& place) {
  if (fields.size() != columns)
    throw Error(place, fmt::format("{} fields: must be {}", fields.size(), static_cast<size_t>(columns)));
  const auto seed_value = parse_integer(fields[seed]);
  if (!seed_value || fields[row].empty()) throw Error(place, "row and seed: must be given");
  const auto number = [&](Column column) -> std::optional<double> {
    const auto value = parse_number(fields[column]);
    return value && std::isfinite(*value) ? value : std::nullopt;
  };
  return {.row = fields[row],
          .seed = *seed_value,
          .run_id = fields[run_id],
          .parameters = parse_integer(fields[params]),
          .validation_loss = number(val_loss),
          .bpb = number(bpb),
          .ppl = number(ppl),
          .peak_mib = number(vram_mib),
          .hours = number(hours),
          .result = number(bpb) ? "" : fields[bpb]};
}

const ComparedRow* published_row_of(const Comparison& comparison, const std::string& label) {
  const auto found = std::ranges::find(comparison.rows, label, &ComparedRow::label);
  return found == comparison.rows.end() ? nullptr : &*found;
}

// `absent`: what stands there instead, `NaN` of a run that failed.
TableCell published_number(const std::optional<double>& value, const std::string& absent = "–") {
  if (!value) return absent == "–" ? empty_cell() : TableCell{.text = absent};
  return number_cell(decimal_text(*value), *value);
}

TableCell published_count(const std::optional<int64_t>& value) {
  if (!value || *value == 0) return empty_cell();
  return {.text = grouped(*value), .value = *value};
}

TableCell published_difference(const std::optional<double>& ours, const std::optional<double>& theirs) {
  if (!ours || !theirs) return empty_cell();
  const double difference = *ours - *theirs;
  return number_cell(signed_text(difference), difference);
}

}  // namespace

std::optional<double> PublishedRun::metric(const std::string& name) const {
  if (name == "test.bpb_sliding") return bpb;
  if (name == "test.ppl_sliding") return ppl;
  if (name == "valid.loss") return validation_loss;
  return {};
}

std::vector<std::string> published_tables() {
  std::vector<std::string> names;
  std::error_code none;
  const fs::path folder = published_folder();
  for (const auto& entry : fs::recursive_directory_iterator(folder, none))
    if (entry.path().extension() == ".csv")
      names.push_back(fs::relative(entry.path(), folder).replace_extension().generic_string());
  std::ranges::sort(names);
  return names;
}

PublishedTable read_published(const std::string& name) {
  const std::vector<std::string> known = published_tables();
  if (std::ranges::find(known, name) == known.end())
    throw ConfigError("", name + ": no such published table" + suggestion(name, known), "unknown_option");
  const fs::path file = published_folder() / (name + ".csv");
  PublishedTable table{.name = name};
  bool has_header = false;
  int number = 0;
  for (const std::string& line : split(read_file(file), '\n')) {
    const std::string place = file.string() + ":" + std::to_string(++number);
    if (line.empty()) continue;
    if (line.starts_with('#')) {
      table.source = std::string(trim(std::string_view(line).substr(1)));
    } else if (!has_header) {
      if (line != kColumns) throw Error(place, std::string("expected the columns ") + kColumns);
      has_header = true;
    } else {
      table.runs.push_back(published_run(published_fields(line), place));
    }
  }
  return table;
}

Report published_report(const PublishedTable& published, const Comparison* ours, const std::string& metric) {
  Table table{.columns = {{.title = "row", .may_shrink = true},
                          {.title = "seed", .is_number = true},
                          {.title = "params", .is_number = true},
                          {.title = "our params", .is_number = true},
                          {.title = "published", .is_number = true},
                          {.title = "ours", .is_number = true},
                          {.title = "difference", .is_number = true},
                          {.title = "their time", .is_number = true},
                          {.title = "their memory", .is_number = true}}};
  for (const PublishedRun& run : published.runs) {
    const ComparedRow* row = ours != nullptr ? published_row_of(*ours, run.row) : nullptr;
    std::optional<double> value;
    if (row != nullptr)
      if (const auto found = row->values.find(run.seed); found != row->values.end()) value = found->second;
    const auto theirs = run.metric(metric);
    table.rows.push_back({{.text = run.row},
                          {.text = std::to_string(run.seed), .value = run.seed},
                          published_count(run.parameters),
                          published_count(row != nullptr ? std::optional(row->parameters) : std::nullopt),
                          published_number(theirs, run.result.empty() ? "–" : run.result),
                          published_number(value),
                          published_difference(value, theirs),
                          run.hours ? number_cell(fmt::format("{:g} h", *run.hours), *run.hours) : empty_cell(),
                          run.peak_mib ? number_cell(mib_text(*run.peak_mib), *run.peak_mib) : empty_cell()});
  }
  Notes notes{{"published: " + published.source}};
  if (ours == nullptr) notes.lines.push_back("none of these rows has been run in this store");
  return {.title = published.name + ": " + metric + ", theirs and ours",
          .blocks = {std::move(table), std::move(notes)}};
}

bool add_published(Table& table, const Comparison& comparison, const PublishedTable& published) {
  const auto metric = std::ranges::find(table.columns, comparison.metric, &TableColumn::title);
  if (metric == table.columns.end()) return false;
  const auto at = metric - table.columns.begin() + 1;
  table.columns.insert(table.columns.begin() + at, {.title = "published", .is_number = true});
  for (size_t i = 0; i < table.rows.size(); ++i) {
    if (i >= comparison.rows.size()) {  // a line that needs no run
      table.rows[i].insert(table.rows[i].begin() + at, empty_cell());
      continue;
    }
    std::string failed;
    double sum = 0, count = 0;
    for (const PublishedRun& run : published.runs) {
      if (run.row != comparison.rows[i].label) continue;
      if (const auto value = run.metric(comparison.metric)) sum += *value, ++count;
      if (!run.result.empty()) failed = run.result;
    }
    const std::optional<double> mean = count > 0 ? std::optional(sum / count) : std::nullopt;
    table.rows[i].insert(table.rows[i].begin() + at, published_number(mean, failed.empty() ? "–" : failed));
  }
  return true;
}

}  // namespace subband
