// What readers know of all runs: a cache of the records in SQLite, `index.sqlite`. Runs never write it; readers bring
// it up to date by each record's time and size. It may be deleted, damaged, locked or unwritable at any time: then
// the records themselves are read.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "runs/record/record.h"
#include "runs/store.h"

namespace subband {

/// The leaves of a config (settings_text.h), as numbers of a list that the runs of an index share: most of them have the same.
struct RunLeaves {
  std::shared_ptr<const std::vector<std::string>> all;
  std::vector<int32_t> numbers;  ///< in the order of the leaves' paths
};

/// A record without its curve.
struct RunSummary {
  std::string folder;  ///< name inside the store
  std::string id, recipe;
  int64_t seed = 0;
  Status status = Status::running;  ///< as in RunRecord, or interrupted, damaged
  std::string message;
  int64_t step = 0, steps = 0, parameters = 0, resumes = 0;
  double started = 0;  ///< seconds since 1970 UTC
  double seconds = 0;  ///< worked
  Metrics metrics;
  std::string config;  ///< resolved, JSON; empty where it was not asked for
  PartCode code = {};  ///< as in RunRecord
  RunLeaves leaves = {};  ///< of the config, where they were asked for and the index had them
};

RunSummary summary_of(const std::string& folder, const RunRecord& run);

struct IndexReading {
  std::vector<RunSummary> runs;      ///< by folder
  int64_t records_read = 0;          ///< records that the index did not know yet
  std::vector<std::string> notices;  ///< why the index could not be used or kept, if so
};

/// What of the runs is wanted besides; of thousands it takes its time.
struct IndexWants {
  bool configs = true, code = true, leaves = false;
};

IndexReading read_index(const Store& store, const IndexWants& wants = {});
/// Deletes the index and makes it anew from the records.
IndexReading rebuild_index(const Store& store);

/// The metric to show where nobody said which: the one people compare runs by, if the run has it.
std::string leading_metric(const Metrics& metrics);

}  // namespace subband
