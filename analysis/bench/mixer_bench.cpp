#include "analysis/bench/mixer_bench.h"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "analysis/bench/targets.h"
#include "analysis/format.h"
#include "analysis/pictures/gnuplot.h"
#include "analysis/statistics.h"
#include "core/files.h"
#include "core/languages/gnuplot.h"
#include "core/text.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

std::vector<std::string> mixers_of(const MixerBench& bench) {
  std::vector<std::string> names;
  for (const MixerCell& cell : bench.cells)
    if (std::ranges::find(names, cell.mixer) == names.end()) names.push_back(cell.mixer);
  return names;
}

const MixerCell* find(const MixerBench& bench, const std::string& mixer, int64_t length) {
  for (const MixerCell& cell : bench.cells)
    if (cell.mixer == mixer && cell.length == length) return &cell;
  return nullptr;
}

// Three digits, whatever the size.
std::string three_digits(double value) {
  if (value >= 100) return grouped(static_cast<int64_t>(value + 0.5));
  return fmt::format("{:.{}f}", value, value >= 10 ? 1 : value >= 1 ? 2 : 3);
}

std::string setting(const MixerBench& bench) {
  return fmt::format("{} pass, batch {}, width {}, {}, {}, {} thread{}",
                     bench.backward ? "forward and backward" : "forward", bench.batch, bench.width,
                     bench.precision, bench.device, bench.threads, bench.threads == 1 ? "" : "s");
}

using CellText = std::function<TableCell(const MixerCell&)>;

Report report_of(const MixerBench& bench, const std::string& title, const std::string& setting_note,
                 const CellText& text) {
  Table table{.columns = {{"mixer"}, {"form"}}};
  for (const int64_t length : bench.lengths) table.columns.push_back({grouped(length), true});
  std::map<std::string, std::string> reasons;  // mixer -> lengths and why, once
  for (const std::string& mixer : mixers_of(bench)) {
    std::vector<TableCell> row = {{mixer}, {""}};
    for (const int64_t length : bench.lengths) {
      const MixerCell* cell = find(bench, mixer, length);
      if (cell == nullptr || !cell->skipped.empty()) {
        if (cell && !reasons.contains(mixer))
          reasons[mixer] = fmt::format("from {} on: {}", grouped(length), cell->skipped);
        row.push_back(empty_cell());
        continue;
      }
      row[1] = {cell->form};
      row.push_back(text(*cell));
    }
    table.rows.push_back(row);
  }
  Notes notes{{setting_note}};
  for (const auto& [mixer, reason] : reasons) notes.lines.push_back(mixer + " " + reason);
  return {.title = title, .blocks = {std::move(table), std::move(notes)}};
}

// `256`, `8k`
std::string tokens_label(int64_t length) {
  return length % 1024 == 0 ? std::to_string(length / 1024) + "k" : std::to_string(length);
}

std::string log_plot(const MixerBench& bench, const std::string& what,
                     const std::function<double(const MixerCell&)>& value) {
  std::string script =
      gnuplot_head(setting(bench), "tokens", what) + "set logscale xy\nset format x '%.0s%c'\nset xtics (";
  for (size_t i = 0; i < bench.lengths.size(); ++i)
    script += fmt::format("{}{} {}", i ? ", " : "", gnuplot::text(tokens_label(bench.lengths[i])),
                          bench.lengths[i]);
  script += ")\n";
  std::string plots;
  size_t line = 0;
  for (const std::string& mixer : mixers_of(bench)) {
    std::string points;
    for (const int64_t length : bench.lengths) {
      const MixerCell* cell = find(bench, mixer, length);
      if (cell && cell->skipped.empty() && value(*cell) > 0)
        points += fmt::format("{} {:.6g}\n", length, value(*cell));
    }
    if (points.empty()) continue;
    script += fmt::format("$row{} << END\n{}END\n", line, points);
    plots +=
        fmt::format("{}$row{} using 1:2 with linespoints lw 2 pt 7 ps 0.4 {} title {}",
                    line ? ", \\\n     " : "plot ", line, gnuplot_line_style(line), gnuplot::text(mixer));
    ++line;
  }
  return script + plots + "\n";
}

}  // namespace

void MixerCell::summarize() {
  rounds = static_cast<int>(times_ms.size());
  median_ms = quantile(times_ms, 0.5), p10_ms = quantile(times_ms, 0.1), p90_ms = quantile(times_ms, 0.9);
}

double MixerCell::median_over(const MixerCell& other) const {
  return quantile(quotients(times_ms, other.times_ms), 0.5);
}

nlohmann::ordered_json MixerBench::figures() const {
  auto figures = nlohmann::ordered_json::object();
  for (const MixerCell& cell : cells) {
    if (!cell.skipped.empty() || cell.form.empty()) continue;
    if (cell.over_own > 0) {
      figures[fmt::format("PyTorch/{} at {}", cell.peer_of, cell.length)] = cell.over_own;
      continue;
    }
    const MixerCell *attention = find(*this, "flash_attention", cell.length), *half = find(*this, cell.mixer, cell.length / 2);
    if (attention && attention->skipped.empty() && attention != &cell)
      figures[fmt::format("{}/flash_attention at {}", cell.mixer, cell.length)] = cell.median_over(*attention);
    if (half && half->skipped.empty())
      figures[fmt::format("{} at {}/{}", cell.mixer, cell.length, half->length)] = cell.median_ms / half->median_ms;
  }
  return figures;
}

Report MixerBench::time_report() const {
  const std::string note =
      setting(*this) + "; medians, in parentheses over softmax_attention of the same rounds";
  Report report = report_of(*this, "milliseconds a pass, over tokens", note, [](const MixerCell& cell) {
    const std::string ratio = cell.ratio > 0 ? fmt::format(" ({})", three_digits(cell.ratio)) : "";
    return number_cell(three_digits(cell.median_ms) + ratio, cell.median_ms);
  });
  for (const std::string& mixer : mixers_of(*this)) {
    std::string line;
    for (const MixerCell& cell : cells)
      if (cell.mixer == mixer && cell.over_own > 0)
        line += fmt::format("{}{:.2f} at {}", line.empty() ? mixer + " over " + cell.peer_of + ": " : ", ", cell.over_own,
                            grouped(cell.length));
    if (!line.empty()) std::get<Notes>(report.blocks[1]).lines.push_back(line);
  }
  report.facts = json();
  return report;
}

Report MixerBench::memory_report() const {
  Report report = report_of(
      *this, "MiB of tensors at once in a pass, over tokens", "",
      [](const MixerCell& cell) {
        return cell.peer_of.empty() ? number_cell(three_digits(cell.peak_mib), cell.peak_mib) : empty_cell();
      });
  report.blocks[1] = Notes{{setting(*this) + "; input and weights apart"}};
  return report;
}

nlohmann::ordered_json MixerBench::json() const {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const MixerCell& cell : cells) {
    nlohmann::ordered_json row = {{"mixer", cell.mixer}, {"form", cell.form}, {"length", cell.length}};
    if (!cell.skipped.empty()) {
      row["skipped"] = cell.skipped;
    } else {
      row.update(
          {{"path", cell.path},
           {"median_ms", cell.median_ms},
           {"p10_ms", cell.p10_ms},
           {"p90_ms", cell.p90_ms},
           {"rounds", cell.rounds},
           {"tokens_per_s", static_cast<double>(batch * cell.length) / cell.median_ms * 1000},
           {"ratio_to_softmax_attention", cell.ratio > 0 ? nlohmann::ordered_json(cell.ratio) : nullptr},
           {"peak_mib", cell.peak_mib},
           {"peer_of", cell.peer_of.empty() ? nullptr : nlohmann::ordered_json(cell.peer_of)},
           {"over_own", cell.over_own > 0 ? nlohmann::ordered_json(cell.over_own) : nullptr},
           {"flops", cell.flops},
           {"state_bytes", cell.state_bytes}});
    }
    rows.push_back(row);
  }
  return {{"device", device},   {"precision", precision}, {"width", width},     {"batch", batch},
          {"threads", threads}, {"backward", backward},   {"lengths", lengths}, {"cells", rows},
          {kFigures, figures()}};
}

std::vector<std::string> write_mixer_bench(const MixerBench& bench, const fs::path& folder) {
  fs::create_directories(folder);
  const auto markdown = make_format("md");
  write_file(folder / "mixers.md",
             markdown->write(bench.time_report()) + "\n" + markdown->write(bench.memory_report()));
  std::vector<std::string> problems;
  const auto draw = [&](const char* name, const std::string& script) {
    const std::string problem = draw_with_gnuplot(script, folder / name, std::string("picture ") + name);
    if (!problem.empty()) problems.push_back(problem);
  };
  draw("mixers_time.svg",
       log_plot(bench, "milliseconds a pass", [](const MixerCell& cell) { return cell.median_ms; }));
  draw("mixers_memory.svg",
       log_plot(bench, "MiB of tensors", [](const MixerCell& cell) { return cell.peak_mib; }));
  return problems;
}

}  // namespace subband
