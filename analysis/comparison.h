// A sweep's rows side by side, from its manifest and the records alone.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "analysis/report.h"
#include "analysis/statistics.h"
#include "runs/index.h"
#include "runs/sweep_manifest.h"

namespace subband {

struct ComparedRow {
  std::string label;
  std::string baseline;         ///< row that it is compared with; empty: none
  BySeed values;                ///< the metric, of the seeds that are done
  std::map<int64_t, bool> has_ended = {};  ///< of every planned seed: with a value, a failure or a refusal
  Summary summary;              ///< of `values`
  std::vector<Summary> shown;   ///< of the sweep's columns, in their order
  PairedDifference difference;  ///< to the baseline, over the seeds that both have
  size_t seeds = 0;             ///< planned
  size_t trials = 0;            ///< of which its setting is the best; 0: nothing was tuned
  int64_t parameters = 0;
  Summary seconds;  ///< of training, a run
  Summary peak_mib;
  std::vector<std::string> notes;  ///< seeds that are missing or failed, and why
};

struct Comparison {
  std::string name, metric, goal;
  std::vector<ComparedRow> rows;
  std::vector<SweepClaim> claims;    ///< judged
  std::vector<SweepColumn> columns;  ///< besides the metric
  std::vector<SweepLine> lines;      ///< values of the metric that need no run
  std::vector<SweepRemark> remarks;  ///< what rows change besides what they ask for
  std::string searched;  ///< how its points were drawn; empty: they were planned
  std::string tuned_by;  ///< metric that chose each row's setting; empty: nothing was tuned
  std::vector<std::string> registrations;  ///< when the claims were written down, and how they were changed since
  size_t cells = 0, done = 0;
  PartCode code;                            ///< of the parts of all rows, when the sweep was planned last
  size_t of_other_code = 0;                 ///< done, under other code of a part than the program's
  std::set<std::string> other_parts;        ///< those parts
  std::vector<std::string> failures;  ///< one line each
};

Comparison compare(const SweepManifest& sweep, const std::vector<RunSummary>& runs);

/// The comparison as a table; `with_cost`: time and memory too, the columns that differ between two machines that computed
/// the same.
Table comparison_table(const Comparison& comparison, bool with_cost = true);
/// Titles of the columns that every comparison has: no column of a sweep's own may have one of them.
std::vector<std::string> comparison_columns(const std::string& metric);
/// What is said below the table: how many cells are missing, what rows change besides what they ask for.
std::vector<std::string> comparison_notes(const Comparison& comparison);

}  // namespace subband
