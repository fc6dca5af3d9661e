#include "analysis/sweep_report.h"

#include "analysis/pivot.h"
#include "analysis/published.h"
#include "analysis/waterfall.h"
#include "core/error.h"

namespace subband {

Report sweep_report(const SweepManifest& sweep, const Comparison& comparison,
                    const SweepReportChoice& choice) {
  Table table = comparison_table(comparison, choice.has_cost);
  std::vector<std::string> notes = comparison_notes(comparison);
  if (!sweep.published.empty()) {
    try {
      const PublishedTable published = read_published(sweep.published);
      if (add_published(table, comparison, published)) notes.push_back("published: " + published.source);
    } catch (const Error& wrong) {  // the runs are done; the table is worth having without it
      notes.push_back(std::string("published = ") + wrong.what());
    }
  }
  Report report{.title = comparison.name + ": " + comparison.metric +
                         (comparison.goal == "min" ? ", less is better" : ", more is better")};
  report.facts = {{"sweep", comparison.name},
                  {"metric", {{"name", comparison.metric}, {"goal", comparison.goal}}},
                  {"cells", comparison.cells},
                  {"done", comparison.done},
                  {"failures", comparison.failures}};
  report.blocks = {std::move(table), Claims{comparison.claims}, Notes{std::move(notes)},
                   Curves{comparison.name, choice.picture, choice.link}};
  if (auto pivot = pivot_table(sweep, comparison))
    report.blocks.insert(report.blocks.begin() + 1, std::move(*pivot));
  if (auto waterfall = waterfall_table(comparison)) {
    for (const auto& row : waterfall->rows)
      report.facts["waterfall"].push_back(
          {{"row", row[0].text}, {"change", row[2].value}, {"low", row[3].value}, {"high", row[4].value}});
    report.blocks.insert(report.blocks.begin() + 1, std::move(*waterfall));
  }
  return report;
}

}  // namespace subband
