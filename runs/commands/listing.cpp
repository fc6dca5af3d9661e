#include "runs/commands/listing.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "runs/commands/run_outline.h"

namespace subband {

namespace {

struct WhereClause {
  RecordJson::json_pointer pointer;
  std::string value;
};

WhereClause parse_where(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos)
    throw ConfigError("command line", "--where = " + text + ": must be KEY=VALUE, for example net.width=64",
                      "syntax");
  std::string path = "/" + text.substr(0, equals);
  std::ranges::replace(path, '.', '/');
  return {RecordJson::json_pointer(path), text.substr(equals + 1)};
}

bool matches(const RecordJson& config, const WhereClause& where) {
  if (!config.contains(where.pointer)) return false;
  const RecordJson& value = config[where.pointer];
  const auto wanted = parse_number(where.value);
  if (value.is_number() && wanted) return value.get<double>() == *wanted;
  return (value.is_string() ? value.get<std::string>() : json_text(value)) == where.value;
}

// The metric to show of a run, and its value; NaN where the run has none.
std::pair<std::string, double> shown_metric(const RunSummary& run, const std::string& metric) {
  const std::string name = metric.empty() ? leading_metric(run.metrics) : metric;
  const auto found = run.metrics.find(name);
  return {name, found == run.metrics.end() ? std::nan("") : found->second};
}

std::string fitted(const std::string& text, size_t width) {
  return text.size() <= width ? text : text.substr(0, width - 3) + "...";
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
  std::erase_if(runs, [&](const RunSummary& run) {
    if (!options.status.empty() && run.status != options.status) return true;
    if (run.recipe.find(options.recipe) == std::string::npos) return true;
    if (clauses.empty()) return false;
    const RecordJson config = RecordJson::parse(run.config, nullptr, false);
    return !std::ranges::all_of(clauses, [&](const WhereClause& each) { return matches(config, each); });
  });
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

std::string listing_text(const std::vector<RunSummary>& runs, const std::string& metric) {
  constexpr const char* kLine = "{:<16} {:<14} {:<26} {:<13} {:>6} {:>14} {:>5}\n";
  std::string out = fmt::format(fmt::runtime(kLine), "started", "run", "recipe", "status", "step",
                                metric.empty() ? "metric" : fitted(metric, 14), "param");
  for (const RunSummary& run : runs) {
    const auto [name, value] = shown_metric(run, metric);
    std::string shown = std::isnan(value) ? "–" : fmt::format("{:.4f}", value);
    if (metric.empty() && !std::isnan(value))
      shown = fmt::format("{} {:.3f}", fitted(name.substr(name.find('.') + 1), 6), value);
    const std::string id = run.id.empty() ? "–" : run.id.substr(0, 8) + "-s" + std::to_string(run.seed);
    out += fmt::format(fmt::runtime(kLine), run.started > 0 ? minute_text(run.started) : "–", id,
                       fitted(run.recipe.empty() ? run.folder : run.recipe, 26), run.status, run.step, shown,
                       run.parameters > 0 ? short_count(run.parameters) : "–");
  }
  return out;
}

RecordJson summary_json(const RunSummary& run) { return run_outline(run.folder, run); }

}  // namespace subband
