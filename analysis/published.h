// Published ledgers as data, to stand beside our own numbers: `analysis/published/**.csv`. No LibTorch.
//   # where the numbers come from
//   row,seed,run_id,date,params,epochs,val_loss,bpb,ppl,vram_mib,hours
// `row` is the row of the sweep that repeats the run; a number that was not published, or of a failed run,
// is empty.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/comparison.h"
#include "analysis/report.h"

namespace subband {

struct PublishedRun {
  std::string row;     ///< `no bypass`, `base`
  int64_t seed = 0;    ///< of the sweep's cell that repeats it
  std::string run_id;  ///< the author's; may be empty
  std::optional<int64_t> parameters;
  std::optional<double> validation_loss, bpb, ppl, peak_mib, hours;
  std::string result;  ///< what stands in place of bpb where it is no number: `NaN`, or empty
  /// The number that was published of one of our metrics, if it has one: `test.bpb_sliding`,
  /// `test.ppl_sliding`, `valid.loss`.
  std::optional<double> metric(const std::string& name) const;
};

struct PublishedTable {
  std::string name;    ///< `waveletlm/03_booleans`
  std::string source;  ///< one line
  std::vector<PublishedRun> runs;
};

/// Names of all tables, sorted.
std::vector<std::string> published_tables();
/// ConfigError `NAME: no such published table; …`; Error `FILE:LINE: …` where one is damaged.
PublishedTable read_published(const std::string& name);

/// Their rows with ours beside them: parameters, metric and difference. `ours` may be null: nothing was run
/// yet.
Report published_report(const PublishedTable& published, const Comparison* ours, const std::string& metric);

/// Adds to a sweep's own table a column with what was published of its metric; false where nothing was.
bool add_published(Table& table, const Comparison& comparison, const PublishedTable& published);

}  // namespace subband
