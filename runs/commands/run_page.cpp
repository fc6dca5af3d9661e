#include "runs/commands/run_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/languages/terminal.h"
#include "core/text.h"
#include "runs/commands/listing.h"
#include "runs/commands/run_outline.h"

namespace subband {

namespace {

std::string value_text(const RecordJson& value) {
  return shown(value.is_string() ? value.get<std::string>() : json_text(value));
}

// `a.b.0: value` lines of a tree.
void add_leaves(std::string& out, const RecordJson& tree, const std::string& path) {
  if (tree.is_object() && !tree.empty()) {
    for (const auto& [key, value] : tree.items())
      add_leaves(out, value, path.empty() ? key : path + "." + key);
    return;
  }
  out += "  " + shown(path) + ": " + value_text(tree) + "\n";
}

void add_differences(RecordJson& out, const RecordJson& first, const RecordJson& second,
                     const std::string& path) {
  if (first == second) return;
  if (!first.is_object() || !second.is_object()) {
    out.push_back({{"path", path}, {"first", first}, {"second", second}});
    return;
  }
  std::set<std::string> keys;
  for (const auto& [key, value] : first.items()) keys.insert(key);
  for (const auto& [key, value] : second.items()) keys.insert(key);
  const RecordJson absent;
  for (const std::string& key : keys)
    add_differences(out, member_of(first, key.c_str(), absent), member_of(second, key.c_str(), absent),
                    path + "." + key);
}

RecordJson curve_json(const std::vector<CurvePoint>& curve) {
  RecordJson points = RecordJson::array();
  for (const CurvePoint& point : curve)
    points.push_back({{"step", point.step},
                      {"tokens", point.tokens},
                      {"loss", number_json(point.loss)},
                      {"rate", number_json(point.rate)},
                      {"gradient_norm", number_json(point.gradient_norm)},
                      {"seconds", number_json(point.seconds)}});
  return points;
}

}  // namespace

std::string curve_plot(const std::vector<CurvePoint>& curve, size_t columns, size_t rows) {
  std::vector<CurvePoint> points = curve;
  std::erase_if(points, [](const CurvePoint& point) { return !std::isfinite(point.loss); });
  if (points.size() < 2 || columns < 2 || rows < 2) return "";
  const auto [low, high] = std::ranges::minmax(points, {}, &CurvePoint::loss);
  const double height = std::max(high.loss - low.loss, 1e-12);
  const auto first = static_cast<double>(points.front().step);
  const double width = std::max(1.0, static_cast<double>(points.back().step) - first);
  std::vector<std::string> grid(rows, std::string(columns, ' '));
  for (const CurvePoint& point : points) {
    const double x = (static_cast<double>(point.step) - first) / width * static_cast<double>(columns - 1);
    const double y = (high.loss - point.loss) / height * static_cast<double>(rows - 1);
    grid[static_cast<size_t>(std::lround(y))][static_cast<size_t>(std::lround(x))] = '*';
  }
  std::string out;
  for (size_t row = 0; row < rows; ++row) {
    const std::string label = row == 0          ? fmt::format("{:9.4f}", high.loss)
                              : row + 1 == rows ? fmt::format("{:9.4f}", low.loss)
                                                : std::string(9, ' ');
    out += label + " |" + std::string(grid[row].substr(0, grid[row].find_last_not_of(' ') + 1)) + "\n";
  }
  const std::string last = "step " + std::to_string(points.back().step);
  const std::string start = std::to_string(points.front().step);
  const size_t gap = columns > start.size() + last.size() ? columns - start.size() - last.size() : 1;
  return out + std::string(9, ' ') + " +" + std::string(columns, '-') + "\n" + std::string(11, ' ') + start +
         std::string(gap, ' ') + last + "\n";
}

std::string run_page(const std::string& folder, const RunRecord& run) {
  std::string out = shown(folder) + "\n";
  out += fmt::format("  {}, seed {}, identity {}\n", shown(run.recipe), run.seed, run.id);
  out += fmt::format("  {} at step {}{}{}\n", word_of(run.status), run.step,
                     run.steps > 0 ? " of " + std::to_string(run.steps) : "",
                     run.message.empty() ? "" : ": " + shown(run.message));
  out += fmt::format("  started {} UTC, worked {}, {} parameters", minute_text(run.started),
                     duration_text(run.seconds), grouped(run.parameters));
  if (run.resumes > 0)
    out += fmt::format(", resumed {} {}", run.resumes, run.resumes == 1 ? "time" : "times");
  out += "\n";
  if (!run.torn.empty()) out += "  " + shown(run.torn) + "\n";
  if (!run.metrics.empty()) out += "\nmetrics\n";
  for (const auto& [name, value] : run.metrics) out += fmt::format("  {:<32} {:.6g}\n", shown(name), value);
  if (const std::string plot = curve_plot(run.curve, 70, 12); !plot.empty())
    out += "\ntraining loss, nats per token\n" + plot;
  if (!run.ops.empty()) out += "\noperations, and how often they ran\n";
  for (const OpUse& use : run.ops)
    out += fmt::format("  {:<60} {:>12}\n", op_use_text(use), grouped(use.calls));
  if (!run.notes.empty()) out += "\nnotes\n";
  for (const std::string& note : run.notes) out += "  " + shown(note) + "\n";
  if (!run.samples.empty())
    out += fmt::format("\nsample at step {}\n{}\n", run.samples.back().step,
                       shown_lines(run.samples.back().text));
  out += "\nprovenance\n";
  add_leaves(out, run.provenance, "");
  out += "\nconfig\n";
  add_leaves(out, run.config, "");
  return out;
}

RecordJson run_json(const std::string& folder, const RunRecord& run) {
  RecordJson object = run_outline(folder, run);
  object["config"] = run.config;
  object["parts"] = run.parts;
  object["data"] = run.data;
  object["provenance"] = run.provenance;
  object["curve"] = curve_json(run.curve);
  object["evaluations"] = RecordJson::array();
  for (const Evaluation& each : run.evaluations)
    object["evaluations"].push_back({{"step", each.step}, {"metrics", metrics_json(each.metrics)}});
  object["samples"] = RecordJson::array();
  for (const RunSample& sample : run.samples)
    object["samples"].push_back({{"step", sample.step}, {"text", sample.text}});
  object["ops"] = RecordJson::array();
  for (const OpUse& use : run.ops)
    object["ops"].push_back(
        {{"op", use.op}, {"path", use.path}, {"detail", use.detail}, {"calls", use.calls}});
  object["notes"] = run.notes;
  object["torn"] = run.torn;
  return object;
}

RecordJson run_difference(const RunRecord& first, const RunRecord& second) {
  RecordJson out = RecordJson::array();
  add_differences(out, first.config, second.config, "config");
  add_differences(out, first.parts, second.parts, "parts");
  add_differences(out, first.data, second.data, "data");
  add_differences(out, metrics_json(first.metrics), metrics_json(second.metrics), "metrics");
  return out;
}

// A side of a difference: in its column, or as long as it is.
static std::string difference_side(const RecordJson& value) {
  constexpr size_t kColumn = 24;
  const std::string text = value.is_null() ? "–" : value_text(value);
  return display_width(text) > kColumn ? text : padded(text, kColumn, Side::right);
}

std::string difference_text(const RecordJson& difference) {
  if (difference.empty()) return "no difference in config, parts, data and metrics\n";
  std::string out;
  for (const RecordJson& line : difference)
    out += padded(shown(text_in(line, "path")), 44) + " " + difference_side(line["first"]) + " " +
           difference_side(line["second"]) + "\n";
  return out;
}

}  // namespace subband
