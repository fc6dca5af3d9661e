#include "analysis/bench/step_bench.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "analysis/bench/targets.h"
#include "analysis/statistics.h"

namespace subband {

Report StepBench::report() const {
  Table table;
  table.columns = {{.title = "step"},
                   {.title = "ms", .is_number = true},
                   {.title = "over the first", .is_number = true},
                   {.title = "of the bound", .is_number = true},
                   {.title = "MiB", .is_number = true},
                   {.title = "first loss", .is_number = true}};
  Notes notes;
  notes.lines.push_back(
      fmt::format("{}, {} thread{}, {} tokens a step; medians, in parentheses the tenth and the ninetieth of "
                  "a hundred; `over the first`: the row's time over that of the first row, round by round",
                  machine, threads, threads == 1 ? "" : "s", tokens));
  notes.lines.push_back(
      fmt::format("bound: the products alone, {:.1f} ms at {:.0f} GFLOP/s, the largest product of this run; "
                  "copy of 64 MiB {:.1f} GiB/s",
                  products_ms, product_gflops, copy_gib_per_s));
  for (const StepRow& row : rows) {
    if (!row.skipped.empty()) {
      notes.lines.push_back(row.name + ": " + row.skipped);
      continue;
    }
    const double median = quantile(row.times_ms, 0.5);
    table.rows.push_back(
        {{.text = row.name},
         number_cell(median_text(row.times_ms, 1), median),
         number_cell(median_text(row.ratios, 2), quantile(row.ratios, 0.5)),
         number_cell(fmt::format("{:.0f} %", 100 * products_ms / median), products_ms / median),
         row.peak_mib > 0 ? number_cell(fmt::format("{:.1f}", row.peak_mib), row.peak_mib) : empty_cell(),
         number_cell(fmt::format("{:.5f}", row.loss), row.loss)});
    if (row.compile_s > 1)
      notes.lines.push_back(fmt::format("{}: {:.0f} s before its first step", row.name, row.compile_s));
  }
  Report report{.title = "one training step of " + recipe};
  report.blocks = {table, notes};
  report.facts = json();
  return report;
}

nlohmann::ordered_json StepBench::figures() const {
  auto figures = nlohmann::ordered_json::object();
  for (const StepRow& row : rows) {
    if (&row == rows.data() || !row.skipped.empty()) continue;
    const std::string name = (row.short_name.empty() ? row.name : row.short_name) + "/subband";
    figures[name] = quantile(row.ratios, 0.5);
    figures[name + " p10"] = quantile(row.ratios, 0.1);
    figures[name + " p90"] = quantile(row.ratios, 0.9);
  }
  return figures;
}

nlohmann::ordered_json StepBench::json() const {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const StepRow& row : rows) {
    nlohmann::ordered_json one = {{"name", row.name}};
    if (!row.skipped.empty()) {
      one["skipped"] = row.skipped;
    } else {
      one.update({{"median_ms", quantile(row.times_ms, 0.5)},
                  {"p10_ms", quantile(row.times_ms, 0.1)},
                  {"p90_ms", quantile(row.times_ms, 0.9)},
                  {"ratio", quantile(row.ratios, 0.5)},
                  {"ratio_p10", quantile(row.ratios, 0.1)},
                  {"ratio_p90", quantile(row.ratios, 0.9)},
                  {"first_loss", row.loss},
                  {"peak_mib", row.peak_mib},
                  {"compile_s", row.compile_s},
                  {"ops", row.ops},
                  {"times_ms", row.times_ms}});
    }
    all.push_back(one);
  }
  return {{"recipe", recipe},
          {"machine", machine},
          {"threads", threads},
          {"tokens", tokens},
          {"products_ms", products_ms},
          {"product_gflops", product_gflops},
          {"copy_gib_per_s", copy_gib_per_s},
          {"rows", all},
          {kFigures, figures()}};
}

}  // namespace subband
