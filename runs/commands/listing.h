// Runs as a table on the terminal, or as JSON.
#pragma once
#include <string>
#include <vector>

#include "runs/index.h"

namespace subband {

/// Which runs `subband runs list` shows, and how.
struct ListingOptions {
  std::string recipe;  ///< part of the recipe's name
  std::string status;
  std::vector<std::string> where;  ///< `net.width=64`, values of the resolved config
  std::string metric;              ///< column; empty: each run's leading metric
  std::string sort = "started";    ///< started, or metric (smallest first, runs without it last)
  int64_t limit = 0;               ///< the last ones (by metric: the first ones); 0: all
};

/// ConfigError for a `where` that is no `KEY=VALUE` of any run, a metric that none reports, and a status that no run can have.
std::vector<RunSummary> select_runs(std::vector<RunSummary> runs, const ListingOptions& options);

/// One line a run, none wider than `columns`; at the end the settings that tell it from others of its recipe.
std::string listing_text(const std::vector<RunSummary>& runs, const std::string& metric,
                         size_t columns = 100);
RecordJson summary_json(const RunSummary& run);

/// `1.2M`: three digits that a person takes in at a glance.
std::string short_count(int64_t value);
/// `2026-11-24 19:30`, UTC.
std::string minute_text(double seconds_since_1970);

}  // namespace subband
