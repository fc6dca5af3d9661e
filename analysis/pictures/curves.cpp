#include "analysis/pictures/curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "analysis/pictures/gnuplot.h"
#include "analysis/statistics.h"
#include "core/error.h"
#include "core/languages/gnuplot.h"
#include "core/languages/terminal.h"
#include "core/text.h"
#include "runs/record/record.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

using PointsByStep = std::map<int64_t, std::pair<double, std::vector<double>>>;  // step -> tokens, values

// Runs of one row, by seed.
using RowRuns = std::vector<RunRecord>;

// Tokens at a step, from the curve's own ratio.
double tokens_at(const RunRecord& run, int64_t step) {
  if (run.curve.empty() || run.curve.back().step == 0) return static_cast<double>(step);
  const CurvePoint& last = run.curve.back();
  return static_cast<double>(last.tokens) * static_cast<double>(step) / static_cast<double>(last.step);
}

bool has_metric(const RowRuns& runs, const std::string& metric) {
  return std::ranges::any_of(runs, [&](const RunRecord& run) {
    return std::ranges::any_of(run.evaluations,
                               [&](const Evaluation& each) { return each.metrics.contains(metric); });
  });
}

PointsByStep metric_points(const RowRuns& runs, const std::string& metric) {
  PointsByStep points;
  for (const RunRecord& run : runs) {
    std::map<int64_t, double> by_step;  // a final evaluation replaces the periodic one of its step
    for (const Evaluation& each : run.evaluations)
      if (const auto found = each.metrics.find(metric); found != each.metrics.end())
        by_step[each.step] = found->second;
    for (const auto& [step, value] : by_step) {
      points[step].first = tokens_at(run, step);
      points[step].second.push_back(value);
    }
  }
  return points;
}

// Single steps are noisy: each point is the mean of a fiftieth of the run.
PointsByStep loss_points(const RowRuns& runs) {
  PointsByStep points;
  for (const RunRecord& run : runs) {
    const int64_t width = std::max<int64_t>(1, (run.steps + 49) / 50);
    for (const CurvePoint& point : run.curve) {
      auto& [tokens, values] = points[(point.step + width - 1) / width * width];
      tokens = std::max(tokens, static_cast<double>(point.tokens));
      values.push_back(point.loss);
    }
  }
  return points;
}

LearningCurve curve_of(const std::string& label, const PointsByStep& points) {
  LearningCurve curve{.label = label};
  for (const auto& [step, point] : points) {
    const auto [low, high] = std::ranges::minmax(point.second);
    curve.tokens.push_back(point.first);
    curve.values.push_back(summarize(point.second).mean);
    curve.low.push_back(low);
    curve.high.push_back(high);
  }
  return curve;
}

using LabelledRuns = std::vector<std::pair<std::string, RowRuns>>;

LabelledRuns runs_of(const SweepManifest& sweep, const Store& store) {
  LabelledRuns rows;
  const RunFolders folders(store);
  for (const SweepCell& cell : sweep.cells) {
    if (!cell.trial_of.empty()) continue;  // the rows of the table alone
    if (rows.empty() || rows.back().first != cell.row) rows.emplace_back(cell.row, RowRuns{});
    const auto folder = cell.id.empty() ? std::nullopt : folders.find(cell.id, cell.seed);
    if (!folder) continue;
    try {
      rows.back().second.push_back(read_record(*folder / kRecordName));
    } catch (const Error&) {  // a damaged record has no curve; the table says that it is damaged
      continue;
    }
  }
  return rows;
}

// One kind of measurement for all rows: the estimates on the way, means over a few batches, where there are any; else the
// metric itself. Empty: no row has two points of it.
std::string drawn_metric(const LabelledRuns& rows, const std::string& metric) {
  const std::string estimate = metric + "_estimate";
  const auto is_in_any = [&](const auto& holds) {
    return std::ranges::any_of(rows, [&](const auto& row) { return holds(row.second); });
  };
  const bool has_estimates = is_in_any([&](const RowRuns& runs) { return has_metric(runs, estimate); });
  const std::string drawn = has_estimates ? estimate : metric;
  const bool is_curve = is_in_any([&](const RowRuns& runs) { return metric_points(runs, drawn).size() > 1; });
  return is_curve ? drawn : "";
}

}  // namespace

CurveChart learning_curves(const SweepManifest& sweep, const Store& store) {
  const LabelledRuns rows = runs_of(sweep, store);
  const std::string metric = drawn_metric(rows, sweep.metric);
  CurveChart chart{.title = sweep.name,
                   .value_axis = metric.empty() ? "training loss, nats per token" : metric};
  for (const auto& [label, runs] : rows) {
    LearningCurve curve = curve_of(label, metric.empty() ? loss_points(runs) : metric_points(runs, metric));
    if (!curve.tokens.empty()) chart.curves.push_back(std::move(curve));
  }
  return chart;
}

// A point that is no number interrupts its line.
static std::string value_text(double value) {
  constexpr double kLongest = 1e12;
  if (!std::isfinite(value)) return "NaN";
  return std::abs(value) < kLongest ? fmt::format("{:.6f}", value) : fmt::format("{:.6e}", value);
}

// A legend with names as long as they may be leaves no room for the curves.
constexpr size_t kLegendColumns = 40;

// The spread over the seeds, where there is one.
static bool has_band(const LearningCurve& curve) { return curve.low != curve.high && !curve.low.empty(); }

// In which tokens are counted, so that no two marks of the axis are rounded to one.
struct TokenUnit {
  double tokens;
  const char* axis;
};

static TokenUnit unit_of(const CurveChart& chart) {
  double most = 0;
  for (const LearningCurve& curve : chart.curves)
    if (!curve.tokens.empty()) most = std::max(most, curve.tokens.back());
  if (most >= 1e9) return {1e9, "billions of training tokens"};
  if (most >= 1e6) return {1e6, "millions of training tokens"};
  return most >= 1e4 ? TokenUnit{1e3, "thousands of training tokens"} : TokenUnit{1, "training tokens"};
}

std::string gnuplot_script(const CurveChart& chart) {
  const TokenUnit unit = unit_of(chart);
  std::string script = gnuplot_head(chart.title, unit.axis, chart.value_axis, chart.curves.size()) + "set format x '%g'\n";
  std::vector<std::string> bands, lines, labels;
  for (const LearningCurve& curve : chart.curves) labels.push_back(shown(curve.label));
  labels = fitted_apart(labels, kLegendColumns);
  for (size_t i = 0; i < chart.curves.size(); ++i) {
    const LearningCurve& curve = chart.curves[i];
    script += fmt::format("$row{} << END\n", i);
    for (size_t k = 0; k < curve.tokens.size(); ++k) {
      script += fmt::format("{} {}", curve.tokens[k] / unit.tokens, value_text(curve.values[k]));
      if (has_band(curve)) script += " " + value_text(curve.low[k]) + " " + value_text(curve.high[k]);
      script += "\n";
    }
    script += "END\n";
    if (has_band(curve))
      bands.push_back(
          fmt::format("$row{} using 1:3:4 with filledcurves fs transparent solid 0.15 noborder {} notitle", i,
                      gnuplot_line_colour(i)));
    lines.push_back(fmt::format("$row{} using 1:2 with linespoints lw {} pt 7 ps 0.4 {} title {}", i,
                                i == 0 ? 3 : 2, gnuplot_line_style(i), gnuplot::text(labels[i])));
  }
  bands.insert(bands.end(), lines.begin(), lines.end());
  return script + "plot " + join(bands, ", \\\n     ") + "\n";
}

std::string draw_curves(const CurveChart& chart, const fs::path& svg) {
  const bool has_points = std::ranges::any_of(chart.curves, [](const LearningCurve& c) {
    return std::ranges::count_if(c.values, [](double value) { return std::isfinite(value); }) > 1;
  });
  if (!has_points) return "no learning curves yet: no run has two points";
  return draw_with_gnuplot(gnuplot_script(chart), svg, "picture of the learning curves");
}

}  // namespace subband
