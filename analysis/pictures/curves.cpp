#include "analysis/pictures/curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "analysis/pictures/gnuplot.h"
#include "analysis/statistics.h"
#include "core/error.h"
#include "core/files.h"
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

// A curve is drawn from one kind of measurement: the estimates on the way, where there are any. They are means over a few
// batches, so the exact value at the end may lie beside them.
PointsByStep metric_points(const RowRuns& runs, std::string metric) {
  PointsByStep points;
  const std::string estimate = metric + "_estimate";
  const bool has_estimates = std::ranges::any_of(runs, [&](const RunRecord& run) {
    return std::ranges::any_of(run.evaluations,
                               [&](const Evaluation& each) { return each.metrics.contains(estimate); });
  });
  if (has_estimates) metric = estimate;
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
    curve.tokens.push_back(point.first);
    curve.values.push_back(summarize(point.second).mean);
  }
  return curve;
}

}  // namespace

CurveChart learning_curves(const SweepManifest& sweep, const Store& store) {
  std::vector<std::pair<std::string, RowRuns>> rows;
  bool has_metric = false;
  for (const SweepCell& cell : sweep.cells) {
    if (rows.empty() || rows.back().first != cell.row) rows.emplace_back(cell.row, RowRuns{});
    const auto folder = cell.id.empty() ? std::nullopt : store.find(cell.id, cell.seed);
    if (!folder) continue;
    try {
      rows.back().second.push_back(read_record(*folder / kRecordName));
    } catch (const Error&) {  // a damaged record has no curve; the table says that it is damaged
      continue;
    }
    has_metric = has_metric || metric_points(rows.back().second, sweep.metric).size() > 1;
  }
  CurveChart chart{.title = sweep.name,
                   .value_axis = has_metric ? sweep.metric : "training loss, nats per token"};
  for (const auto& [label, runs] : rows) {
    LearningCurve curve = curve_of(label, has_metric ? metric_points(runs, sweep.metric) : loss_points(runs));
    if (!curve.tokens.empty()) chart.curves.push_back(std::move(curve));
  }
  return chart;
}

std::string gnuplot_script(const CurveChart& chart) {
  std::string script =
      gnuplot_head(chart.title, "training tokens", chart.value_axis) + "set format x '%.0s%c'\n";
  std::vector<std::string> plots;
  for (size_t i = 0; i < chart.curves.size(); ++i) {
    const LearningCurve& curve = chart.curves[i];
    script += fmt::format("$row{} << END\n", i);
    for (size_t k = 0; k < curve.tokens.size(); ++k)
      script += fmt::format("{:.0f} {:.6f}\n", curve.tokens[k], curve.values[k]);
    script += "END\n";
    plots.push_back(fmt::format("$row{} using 1:2 with linespoints lw {} pt 7 ps 0.4 {} title {}", i,
                                i == 0 ? 3 : 2, gnuplot_line_style(i), quoted_for_gnuplot(curve.label)));
  }
  script += "plot ";
  for (size_t i = 0; i < plots.size(); ++i) script += (i == 0 ? "" : ", \\\n     ") + plots[i];
  return script + "\n";
}

std::string draw_curves(const CurveChart& chart, const fs::path& svg) {
  const bool has_points =
      std::ranges::any_of(chart.curves, [](const LearningCurve& c) { return c.tokens.size() > 1; });
  if (!has_points) return "no learning curves yet: no run has two points";
  return draw_with_gnuplot(gnuplot_script(chart), svg, "picture of the learning curves");
}

}  // namespace subband
