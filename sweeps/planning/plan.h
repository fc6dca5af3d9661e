// What a sweep will do before it does it: which cells are there already, which go on, which are new, and what they
// are expected to cost.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config/node.h"
#include "experiments/data.h"
#include "experiments/training/part_code.h"
#include "runs/index.h"
#include "runs/sweep_manifest.h"
#include "sweeps/planning/forecast.h"
#include "sweeps/spec/cells.h"

namespace subband {

struct WorkerRoom;

/// A row, bound: what a plan must know of its runs besides the seed, and what its workers are handed.
struct PreparedRow {
  std::string id;  ///< run identity
  int64_t parameters = 0;
  int64_t tokens = 0;                     ///< of training; 0: unknown
  double flops = 0;                       ///< of one forward pass over one sequence
  std::vector<std::string> metrics = {};  ///< names of what its runs report; empty: unknown
  config::Node resolved = {};             ///< its config; null: unknown
  std::string missing = {};  ///< data that are not here, in a complaint's words; then `id` is empty
  std::shared_ptr<const config::Node> recipe =
      {};  ///< composed; its workers bind it and read no file of it again
  std::shared_ptr<const DataManifest> data = {};  ///< checksums when planned
  PartCode code = {};  ///< what its parts are made of in this program
  std::string price = {};  ///< what the published run of its recipe took, in words; or empty
  bool asks_for_seed = false;  ///< a value comes from `${seed}`: every seed is prepared by itself
};
/// Binds a row without training. ConfigError with every mistake of it.
using PrepareRow =
    std::function<PreparedRow(const std::string& recipe, const std::vector<std::string>& overrides)>;

struct PlannedCell {
  Cell cell;
  std::string id;
  Status state = Status::fresh;  ///< reused, resume, retry, fresh, running (another process is at it)
  std::optional<Status> status;  ///< of the run that is there
  std::string folder;            ///< of that run, inside the store
  int64_t parameters = 0;
  int64_t tokens = 0;                               ///< of training; 0: unknown
  std::shared_ptr<const config::Node> recipe = {};  ///< composed; its seed is that of the cell
  std::shared_ptr<const DataManifest> data = {};    ///< checksums when planned
  CostTraits traits = {};                           ///< what its cost is made of
  int64_t threads = 1;                              ///< of its worker
  int64_t devices = 0;                              ///< GPUs that it needs
  std::optional<double> seconds;                    ///< predicted, of the whole run
  std::optional<double> peak_mib;
  double disk_mib = 0;  ///< of the checkpoints that stay
  std::string basis;    ///< where the prediction comes from
  std::string same_as;  ///< an earlier row that is the same run, or empty
  std::vector<std::string> other_code = {};  ///< parts of the run that is there whose code was another
  bool again = false;                        ///< done again although it is there
  int64_t split = 0;  ///< parts of a micro-batch, since larger ones lacked memory; 0: as its row says
};

struct SweepPlan {
  SweepSpec spec;
  SweepGrid grid;
  std::vector<std::string> extra;    ///< overrides of the command line, of every cell
  std::vector<PlannedCell> cells;    ///< as in grid.cells
  std::vector<std::string> remarks;  ///< of every row: what it changes besides what it asks for; or empty
  std::vector<std::string> missing;  ///< data without which nothing can run, each once
  std::vector<std::string> prices;   ///< of its recipes, as published, each once
  PartCode code;                     ///< of the parts of all rows, as this program has them
  std::string rest;                  ///< why it waits for somebody to go on with it (scheduling/rest.h); or empty

  size_t count(Status state) const;
};

/// `runs`: what the store has. ConfigError with the mistakes of all rows in one go, each with its row, and with metrics
/// that no row reports.
SweepPlan make_plan(const SweepSpec& spec, const std::vector<std::string>& extra, const PrepareRow& prepare,
                    const std::vector<RunSummary>& runs);

/// A row's cell beside what the store has.
PlannedCell planned_cell(const PreparedRow& row, const Cell& cell, const std::vector<RunSummary>& runs);
/// `trainer.split=2`
std::string split_override(int64_t parts);

/// Adds a cell to a plan that runs already (a further seed, a drawn point) and returns its number; the row and seed of a
/// cell that is there give that cell's. ConfigError with every mistake of the row.
size_t add_cell(SweepPlan& plan, const SweepRow& row, int64_t seed, const PrepareRow& prepare,
                const std::vector<RunSummary>& runs);

/// Tokens that a resolved config trains on: steps x batch x accumulate x length; 0 where it says no steps.
int64_t training_tokens(const RecordJson& config);

/// The manifest that the plan leaves in the store.
SweepManifest manifest_of(const SweepPlan& plan, const std::string& spec_file);

/// Threads that would use cores which the cells to be run leave idle, as a word of the spec; empty where they leave none.
/// Threads count for a run's identity, so that a plan proposes them and does not take them.
std::string threads_proposal(const SweepPlan& plan, int64_t cores);

/// The plan as aligned text; `room`: for the time of the whole; `is_cut`: names of rows as a terminal has room for, what reads a
/// pipe wants them whole. Notes are whole everywhere.
std::string plan_text(const SweepPlan& plan, const WorkerRoom& room, bool is_cut = true);
std::string plan_json(const SweepPlan& plan, const WorkerRoom& room);

}  // namespace subband
