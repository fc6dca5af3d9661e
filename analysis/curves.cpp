#include "analysis/curves.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "analysis/statistics.h"
#include "core/error.h"
#include "core/files.h"
#include "runs/record.h"

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

std::string quoted_for_gnuplot(const std::string& text) {
  std::string out = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') out += '\\';
    out += letter == '\n' ? ' ' : letter;
  }
  return out + "\"";
}

// Told apart by people who do not see red and green alike too (after Okabe and Ito).
constexpr const char* kColours[] = {"#000000", "#E69F00", "#56B4E9", "#009E73",
                                    "#D55E00", "#0072B2", "#CC79A7", "#7F7F7F"};

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
      "set terminal svg size 960,600 noenhanced font 'Helvetica,14' background rgb 'white'\n"
      "set title " +
      quoted_for_gnuplot(chart.title) + "\nset xlabel 'training tokens'\nset ylabel " +
      quoted_for_gnuplot(chart.value_axis) +
      "\nset key outside right top Left reverse\nset grid lc rgb '#DDDDDD'\nset border 3\nset tics nomirror\n"
      "set format x '%.0s%c'\n";
  std::vector<std::string> plots;
  for (size_t i = 0; i < chart.curves.size(); ++i) {
    const LearningCurve& curve = chart.curves[i];
    script += fmt::format("$row{} << END\n", i);
    for (size_t k = 0; k < curve.tokens.size(); ++k)
      script += fmt::format("{:.0f} {:.6f}\n", curve.tokens[k], curve.values[k]);
    script += "END\n";
    // After one round of colours the lines are dashed.
    const size_t colours = std::size(kColours);
    plots.push_back(
        fmt::format("$row{} using 1:2 with linespoints lw {} pt 7 ps 0.4 dt {} lc rgb '{}' title {}", i,
                    i == 0 ? 3 : 2, i / colours + 1, kColours[i % colours], quoted_for_gnuplot(curve.label)));
  }
  script += "plot ";
  for (size_t i = 0; i < plots.size(); ++i) script += (i == 0 ? "" : ", \\\n     ") + plots[i];
  return script + "\n";
}

std::string draw_curves(const CurveChart& chart, const fs::path& svg) {
  const bool has_points =
      std::ranges::any_of(chart.curves, [](const LearningCurve& c) { return c.tokens.size() > 1; });
  if (!has_points) return "no learning curves yet: no run has two points";
  if (std::system("command -v gnuplot >/dev/null 2>&1") != 0)
    return "no picture of the learning curves: gnuplot is not installed; apt install gnuplot-nox";
  const fs::path script = svg.string() + ".gnuplot";
  const fs::path picture = svg.string() + ".new";
  write_file(script, gnuplot_script(chart));
  const auto shell_word = [](const std::string& text) {
    std::string word = "'";
    for (const char letter : text) word += letter == '\'' ? "'\\''" : std::string(1, letter);
    return word + "'";
  };
  const std::string command =
      "gnuplot " + shell_word(script.string()) + " >" + shell_word(picture.string()) + " 2>/dev/null";
  const int status = std::system(command.c_str());
  std::error_code none;
  fs::remove(script, none);
  if (status != 0 || fs::file_size(picture, none) == 0) {
    fs::remove(picture, none);
    return "no picture of the learning curves: gnuplot failed";
  }
  fs::rename(picture, svg);
  return "";
}

}  // namespace subband
