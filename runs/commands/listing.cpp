#include "runs/commands/listing.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.h"
#include "core/json.h"
#include "core/languages/numbers.h"
#include "core/languages/terminal.h"
#include "core/text.h"
#include "runs/commands/run_outline.h"
#include "runs/commands/settings.h"

namespace subband {

namespace {

struct WhereClause {
  std::string key, value;
};

WhereClause parse_where(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos)
    throw ConfigError("command line", "--where = " + text + ": must be KEY=VALUE, for example net.width=64",
                      "syntax");
  return {text.substr(0, equals), text.substr(equals + 1)};
}

// Every clause's key must be a setting of some run, the metric one that a run reports, and the status one that runs have.
void check_known(const std::vector<RunSummary>& runs, const std::vector<Settings>& settings,
                 const std::vector<WhereClause>& clauses, const ListingOptions& options) {
  std::vector<std::string> statuses;
  for (const auto& [status, word] : kStatusWords)
    if (status <= Status::damaged) statuses.emplace_back(word);
  std::ranges::sort(statuses);
  if (!options.status.empty() && std::ranges::find(statuses, options.status) == statuses.end())
    throw ConfigError(
        "command line",
        "--status = " + options.status + ": unknown status" + suggestion(options.status, statuses),
        "unknown_option");
  std::set<std::string> known;
  if (!options.metric.empty())
    for (const RunSummary& run : runs)
      for (const auto& [name, value] : run.metrics) known.insert(name);
  if (!options.metric.empty() && !known.empty() && !known.contains(options.metric))
    throw ConfigError("command line",
                      "--metric = " + options.metric + ": no run reports it" +
                          suggestion(options.metric, std::vector<std::string>(known.begin(), known.end())),
                      "unknown_option");
  known.clear();
  for (const Settings& each : settings)
    for (const auto& [key, value] : each) known.insert(key);
  for (const WhereClause& clause : clauses)
    if (!known.empty() && !known.contains(clause.key))
      throw ConfigError("command line",
                        "--where = " + clause.key + "=" + clause.value + ": no run has this setting" +
                            suggestion(clause.key, std::vector<std::string>(known.begin(), known.end())),
                        "unknown_option");
}

bool matches(const Settings& settings, const WhereClause& where) {
  const auto found = settings.find(where.key);
  if (found == settings.end()) return false;
  const auto value = parse_number(found->second), wanted = parse_number(where.value);
  return value && wanted ? *value == *wanted : found->second == where.value;
}

// The metric to show of a run, and its value; NaN where the run has none.
std::pair<std::string, double> shown_metric(const RunSummary& run, const std::string& metric) {
  const std::string name = metric.empty() ? leading_metric(run.metrics) : metric;
  const auto found = run.metrics.find(name);
  return {name, found == run.metrics.end() ? std::nan("") : found->second};
}

}  // namespace

std::string short_count(int64_t value) {
  if (value < 1000) return std::to_string(value);
  double shown = static_cast<double>(value);
  for (const char unit : {'k', 'M', 'G'}) {
    shown /= 1000;
    if (shown < 999.5 || unit == 'G')
      return fmt::format("{:.{}f}{}", shown, shown < 9.995 ? 2 : shown < 99.95 ? 1 : 0, unit);
  }
  return "";
}

std::string minute_text(double seconds) {
  return fmt::format("{:%Y-%m-%d %H:%M}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

std::vector<RunSummary> select_runs(std::vector<RunSummary> runs, const ListingOptions& options) {
  std::vector<WhereClause> clauses;
  for (const std::string& text : options.where) clauses.push_back(parse_where(text));
  std::vector<Settings> settings;
  if (!clauses.empty())
    for (const RunSummary& run : runs) settings.push_back(settings_of(run));
  check_known(runs, settings, clauses, options);
  std::vector<RunSummary> selected;
  for (size_t i = 0; i < runs.size(); ++i) {
    if (!options.status.empty() && word_of(runs[i].status) != options.status) continue;
    if (runs[i].recipe.find(options.recipe) == std::string::npos) continue;
    const auto is_met = [&](const WhereClause& each) { return matches(settings[i], each); };
    if (std::ranges::all_of(clauses, is_met)) selected.push_back(std::move(runs[i]));
  }
  runs = std::move(selected);
  const auto limit = options.limit > 0 ? static_cast<size_t>(options.limit) : runs.size();
  if (options.sort == "metric") {
    const auto key = [&](const RunSummary& run) {
      const double value = shown_metric(run, options.metric).second;
      return std::isnan(value) ? std::numeric_limits<double>::infinity() : value;
    };
    std::ranges::stable_sort(runs, {}, key);
    if (runs.size() > limit) runs.resize(limit);
  } else {
    std::ranges::stable_sort(runs, {}, &RunSummary::started);
    if (runs.size() > limit) runs.erase(runs.begin(), runs.end() - static_cast<std::ptrdiff_t>(limit));
  }
  return runs;
}

// The cells of a run before its recipe: started, run, status, step, metric, parameters.
static std::vector<std::string> cells_of(const RunSummary& run, const std::string& metric, bool is_cut) {
  const auto [name, value] = shown_metric(run, metric);
  std::string text = run.metrics.contains(name) ? decimal_text(value) : "–";
  constexpr double kLongest = 1e5;  // with its name
  if (metric.empty() && run.metrics.contains(name)) {
    if (!is_cut)
      text = shown(name) + " " + text;
    else if (std::abs(value) < kLongest)
      text = fmt::format("{} {:.3f}", fitted(shown(name.substr(name.find('.') + 1)), 6), value);
  }
  return {run.started > 0 ? minute_text(run.started) : "–",
          run.id.empty() ? "–" : run.id.substr(0, 8) + "-s" + std::to_string(run.seed),
          shown(word_of(run.status)),
          std::to_string(run.step),
          text,
          run.parameters > 0 ? short_count(run.parameters) : "–"};
}

// Letters of ASCII take a column each, which is most cells of thousands.
static bool is_ascii(const std::string& text) {
  return std::ranges::all_of(text, [](char letter) { return letter >= ' ' && letter < 127; });
}

static size_t cell_width(const std::string& text) { return is_ascii(text) ? text.size() : display_width(text); }

static std::string padded_cell(const std::string& text, size_t width, Side side) {
  if (!is_ascii(text)) return padded(text, width, side);
  const std::string room(width > text.size() ? width - text.size() : 0, ' ');
  return side == Side::left ? text + room : room + text;
}

std::string listing_text(const std::vector<RunSummary>& runs, const std::string& metric, size_t columns) {
  constexpr size_t kWide = 100;
  const bool is_cut = columns != SIZE_MAX;  // a terminal's width; what is no terminal is shown whole
  std::vector<std::vector<std::string>> rows = {
      {"started", "run", "status", "step", metric.empty() ? "metric" : shown(metric), "param"}};
  for (const RunSummary& run : runs) rows.push_back(cells_of(run, metric, is_cut));
  constexpr size_t kMetric = 4;                   // the one column that a terminal may show cut
  const size_t date = columns < kWide ? 10 : 16;  // a narrow terminal shows days without minutes
  std::vector<size_t> widths = {date, 14, 13, 6, 14, 5};
  size_t before = widths.size() + 1;
  for (size_t column = 0; column < widths.size(); ++column) {
    for (auto& row : rows) {
      if (column == 0) row[column] = row[column].substr(0, date);
      if (!is_cut || column != kMetric) widths[column] = std::max(widths[column], cell_width(row[column]));
    }
    before += widths[column];
  }
  std::vector<std::string> recipes = differing_settings(runs);
  for (size_t i = 0; i < runs.size(); ++i)
    recipes[i] = shown((runs[i].recipe.empty() ? runs[i].folder : runs[i].recipe) +
                       (recipes[i].empty() ? "" : "  " + recipes[i]));
  if (is_cut) recipes = fitted_apart(recipes, columns > before ? columns - before : 1);
  recipes.insert(recipes.begin(),
                 fitted("recipe, and what differs", columns > before ? columns - before : 1));
  std::string out;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (is_cut) rows[i][kMetric] = fitted(rows[i][kMetric], widths[kMetric], Cut::middle);
    for (size_t column = 0; column < widths.size(); ++column)
      out += padded_cell(rows[i][column], widths[column], column < 3 ? Side::left : Side::right) + " ";
    out += " " + recipes[i] + "\n";
  }
  return out;
}

RecordJson summary_json(const RunSummary& run) { return run_outline(run.folder, run); }

}  // namespace subband
