// Cells as runs in a store: binds them for the plan and trains them in the workers.
#pragma once
#include <atomic>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/config/compose.h"
#include "core/config/search_path.h"
#include "core/error.h"
#include "core/registry.h"
#include "experiments/recipe.h"
#include "experiments/task.h"
#include "runs/store.h"
#include "sweeps/planning/cell_task.h"
#include "sweeps/planning/plan.h"
#include "sweeps/queue.h"
#include "sweeps/scheduling/worker.h"

namespace subband {

struct CellSource {
  const Registry* registry = nullptr;
  std::vector<config::GroupFolder> folders;  ///< where recipes are
  std::vector<std::string> command_line;     ///< for the provenance
  bool other_machine = false;                ///< cells go on although operations run in another way here
};

/// Binds the rows of a plan one after another; what they share is read and counted once: parsed files, checksums of
/// data, parameters of a net. No thread pool and no device is touched.
class RowBinder {
 public:
  explicit RowBinder(const CellSource& source);
  /// Run identity. ConfigError with every mistake of the row.
  std::string identify(const std::string& recipe, const std::vector<std::string>& overrides);
  /// With it the number of parameters, counted without memory, and of tokens.
  PreparedRow prepare(const std::string& recipe, const std::vector<std::string>& overrides);
  /// What its runs report.
  std::vector<MetricInfo> metrics(const std::string& recipe, const std::vector<std::string>& overrides);
  /// One small step of a row, in a process of its own; nothing where it works. Of a large net only the shapes; of rows
  /// that differ in optimiser and schedule alone only the first.
  std::optional<Problem> check(const std::string& recipe, const std::vector<std::string>& overrides);
  /// What is legal and seldom meant in the rows so far, each line once.
  const config::Warnings& warnings() const { return warnings_; }

 private:
  void warn(const config::Warnings& lines);
  config::Composition compose(const std::string& recipe, const std::vector<std::string>& overrides);
  Recipe bound(const std::string& recipe, const config::Composition& composition) const;
  std::string identity_of(const Recipe& recipe);
  std::pair<int64_t, double> size_of(const Recipe& recipe);  // parameters, flops of a pass
  std::shared_ptr<const DataManifest> manifest_of_data(const Recipe& recipe);

  const CellSource& source_;
  config::SearchPath search_;
  std::map<std::string, std::shared_ptr<const DataManifest>> manifests_;  // by the data's config
  std::map<std::string, std::pair<int64_t, double>>
      sizes_;                      // parameters, flops; by the net and what is asked of it
  std::set<std::string> checked_;  // configs without optimiser and schedule
  std::set<std::string> prompts_;  // tokenisers and prompts that go together
  config::Warnings warnings_;
};

/// Who is told of a cell and may stop it.
struct CellSurroundings {
  Observer* observer = nullptr;             ///< may be null
  const std::atomic<bool>* stop = nullptr;  ///< when it turns true: checkpoint and end as `stopped`
  std::optional<int64_t> until = {};        ///< optimiser step after which the run pauses
  LeaseTerms lease = {};
  std::vector<std::string> notes = {};  ///< for the record
};

/// Trains a task in this process, as it was planned, and never under another identity. Error of kind `changed` that names
/// the files where data were changed since the plan was made. `held` where another process is at the same run.
CellOutcome perform_cell(const CellSource& source, const CellTask& task, const Store& store,
                         const CellSurroundings& surroundings);
/// The same in a worker: its scheduler is told of every step.
CellOutcome perform_cell(const CellSource& source, const CellTask& task, const Store& store, WorkerLink& link,
                         CellSurroundings surroundings = {});

}  // namespace subband
