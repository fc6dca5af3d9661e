// One run, at most once: looks it up, goes on with it or begins it, and writes down how it ended.
#pragma once
#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/config/node.h"
#include "runs/store.h"

namespace subband {

/// A run before anything happens.
struct RunPlan {
  RunStart start;         ///< provenance: what the one who computes adds to the program's
  config::Node resolved;  ///< for config.yaml
};

struct PerformOptions {
  Observer* observer = nullptr;             ///< hears everything too: progress, a board
  const std::atomic<bool>* stop = nullptr;  ///< when it turns true: checkpoint and end as `stopped`
  std::atomic<bool>* checkpoint = nullptr;  ///< when it turns true: checkpoint and go on
  std::vector<std::string> command_line;    ///< for the provenance
  bool other_machine = false;               ///< a run goes on although operations run in another way here
  bool force = false;                       ///< an earlier run is set aside and done again
  bool retry = true;                        ///< go on with a run that failed for the world's reasons
  LeaseTerms lease = {};                    ///< how its record is claimed
  std::vector<std::string> notes = {};      ///< for the record, before anything is computed
};

struct RunResult {
  std::filesystem::path folder;
  std::string id;
  bool is_reused = false;  ///< nothing was computed: the outcome is that of the record
  Outcome outcome;
  std::vector<std::string> notices =
      {};  ///< neighbours in the store that cannot be read, and were left alone
};

/// Computes inside a run's folder and tells the observer. Throws Error for what is no result.
using Experiment = std::function<Outcome(const std::filesystem::path& folder, Observer& observer)>;

/// Reuses the run with this identity and seed when it is settled (with `retry` off: when it ended in any way but
/// `stopped`); else goes on with it or begins it. What failed under other code of its parts (`code` of the provenance) is set
/// aside and begun anew. A failure of the experiment is a result; an Error is written down
/// as `failed` and thrown on.
RunResult conduct(const RunPlan& plan, const Store& store, const PerformOptions& options,
                  const Experiment& experiment);

/// The outcome that a record tells.
Outcome outcome_of(const RunRecord& run);

}  // namespace subband
