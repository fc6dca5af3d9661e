#include "analysis/pivot.h"

#include <algorithm>
#include <map>

#include "core/languages/numbers.h"
#include "core/text.h"

namespace subband {

namespace {

using Setting = std::pair<std::string, std::string>;  // key, value

struct Axis {
  std::string key;
  std::vector<std::string> values;  ///< in the order of the rows

  void add(const std::string& value) {
    if (std::ranges::find(values, value) == values.end()) values.push_back(value);
  }
};

// `a.b=c` of every override; nothing where one has another form.
std::optional<std::vector<Setting>> settings_in(const std::vector<std::string>& overrides) {
  std::vector<Setting> settings;
  for (const std::string& override : overrides) {
    const size_t equals = override.find('=');
    if (equals == std::string::npos || override[0] == '+' || override[0] == '~') return std::nullopt;
    settings.emplace_back(override.substr(0, equals), override.substr(equals + 1));
  }
  return settings;
}

std::string value_of(const ComparedRow& row) {
  return row.summary.count == 0 ? "–" : decimal_text(row.summary.mean);
}

}  // namespace

std::optional<Table> pivot_table(const SweepManifest& sweep, const Comparison& comparison) {
  std::map<std::string, std::vector<Setting>> settings_of_row;
  std::vector<Axis> axes;
  for (const SweepCell& cell : sweep.cells) {
    if (!cell.trial_of.empty()) return std::nullopt;
    const auto settings = settings_in(cell.overrides);
    if (!settings || settings->empty() || settings->size() > 2) return std::nullopt;
    if (axes.empty())
      for (const Setting& each : *settings) axes.push_back({each.first, {}});
    if (settings->size() != axes.size()) return std::nullopt;
    for (size_t i = 0; i < axes.size(); ++i) {
      if (axes[i].key != (*settings)[i].first) return std::nullopt;
      axes[i].add((*settings)[i].second);
    }
    settings_of_row[cell.row] = *settings;
  }
  const bool is_line = axes.size() == 1;
  if (axes.empty() || axes.back().values.size() < 2 || (!is_line && axes[0].values.size() < 2))
    return std::nullopt;
  const Axis across = axes.back();
  const std::vector<std::string> down =
      is_line ? std::vector<std::string>{comparison.metric} : axes[0].values;
  Table table{.columns = {{.title = is_line ? across.key : axes[0].key + " \\ " + across.key}},
              .is_view = true};
  for (const std::string& value : across.values) table.columns.push_back({.title = value, .is_number = true});
  for (const std::string& value : down)
    table.rows.push_back(std::vector<TableCell>(across.values.size() + 1, empty_cell())),
        table.rows.back()[0] = {.text = value};
  for (const ComparedRow& row : comparison.rows) {
    const std::vector<Setting>& settings = settings_of_row.at(row.label);
    const auto at = std::ranges::find(across.values, settings.back().second) - across.values.begin() + 1;
    const auto line = is_line ? 0 : std::ranges::find(down, settings.front().second) - down.begin();
    table.rows[static_cast<size_t>(line)][static_cast<size_t>(at)] = {.text = value_of(row)};
  }
  return table;
}

}  // namespace subband
