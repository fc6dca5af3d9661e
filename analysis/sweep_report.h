// A sweep as a report: its table with what was published beside it, its claims, its notes, its learning curves.
#pragma once
#include "analysis/comparison.h"
#include "analysis/report.h"

namespace subband {

struct SweepReportChoice {
  bool has_cost = true;           ///< time and memory, which no two machines share
  std::filesystem::path picture;  ///< of the learning curves; empty: there is none
  std::string link;               ///< the picture as seen from the report
};

Report sweep_report(const SweepManifest& sweep, const Comparison& comparison,
                    const SweepReportChoice& choice = {});

}  // namespace subband
