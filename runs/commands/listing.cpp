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

// Every clause's key must be a setting of some run, and the status one that runs have.
void check_known(const std::vector<Settings>& settings, const std::vector<WhereClause>& clauses,
                 const ListingOptions& options) {
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
    for (const RunSummary& run : runs) settings.push_back(settings_of(read_json_or_null(run.config)));
  check_known(settings, clauses, options);
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

std::string listing_text(const std::vector<RunSummary>& runs, const std::string& metric, size_t columns) {
  constexpr size_t kMetric = 14, kWide = 100;
  const size_t date = columns < kWide ? 10 : 16;  // a narrow terminal shows days without minutes
  const size_t before = date + 59;                // columns before the recipe
  const auto line = [date](const std::string& started, const std::string& run, const std::string& status,
                           const std::string& step, const std::string& value, const std::string& parameters,
                           const std::string& recipe) {
    return fmt::format("{} {} {} {:>6} {} {:>5}  {}\n", padded(started.substr(0, date), date),
                       padded(run, 14), padded(shown(status), 13), step, padded(value, kMetric, Side::right),
                       parameters, recipe);
  };
  std::vector<std::string> recipes = differing_settings(runs);
  for (size_t i = 0; i < runs.size(); ++i)
    recipes[i] = shown((runs[i].recipe.empty() ? runs[i].folder : runs[i].recipe) +
                       (recipes[i].empty() ? "" : "  " + recipes[i]));
  const size_t width = columns > before ? columns - before : 1;
  recipes = fitted_apart(recipes, width);
  std::string out =
      line("started", "run", "status", "step", metric.empty() ? "metric" : shown_name(metric, kMetric),
           "param", fitted("recipe, and what differs", width));
  for (size_t i = 0; i < runs.size(); ++i) {
    const RunSummary& run = runs[i];
    const auto [name, value] = shown_metric(run, metric);
    std::string text = run.metrics.contains(name) ? decimal_text(value) : "–";
    constexpr double kLongest = 1e5;  // with its name
    if (metric.empty() && std::abs(value) < kLongest)
      text = fmt::format("{} {:.3f}", fitted(shown(name.substr(name.find('.') + 1)), 6), value);
    const std::string id = run.id.empty() ? "–" : run.id.substr(0, 8) + "-s" + std::to_string(run.seed);
    out += line(run.started > 0 ? minute_text(run.started) : "–", id, word_of(run.status),
                std::to_string(run.step), text, run.parameters > 0 ? short_count(run.parameters) : "–",
                recipes[i]);
  }
  return out;
}

RecordJson summary_json(const RunSummary& run) { return run_outline(run.folder, run); }

}  // namespace subband
