// A cell as a task: all that its run needs, written when it was planned, so that whoever runs it later (a worker, a node
// of a cluster) reads no recipe again. What was edited in between, or read from a clock, changes nothing.
//   sweep: quickstart
//   row: no bypass
//   seed: 1337
//   id: 3f2a91bc…                       # run identity; another one is refused
//   recipe: tinyshakespeare/wavelet     # what tables call it
//   overrides: [net.block.bypass=none]  # how it was composed, for a reader
//   needs: {threads: 1, devices: 0, memory_mib: 310, seconds: 95}   # predicted; those that are unknown are left out
//   keep: all                           # checkpoints that stay when it is done
//   data: {file: sha256}
//   config: …                           # composed
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config/node.h"
#include "experiments/data.h"

namespace subband {

struct SweepPlan;

/// What a task asks of the machine.
struct TaskNeeds {
  int64_t threads = 1;
  int64_t devices = 0;                    ///< GPUs
  std::optional<double> memory_mib = {};  ///< predicted: of the process on the CPU, of the device otherwise
  std::optional<double> seconds = {};     ///< predicted, of the whole run
};

struct CellTask {
  std::string sweep, row;
  int64_t seed = 0;
  std::string id;      ///< run identity, 64 hex digits
  std::string recipe;  ///< its name
  std::vector<std::string> overrides;
  std::string keep = "all";  ///< checkpoints that stay when it is done (runs/disk_use.h)
  TaskNeeds needs;
  std::shared_ptr<const DataManifest> data;    ///< checksums when it was planned
  std::shared_ptr<const config::Node> config;  ///< composed, with the seed
  std::string name() const { return row + ", seed " + std::to_string(seed); }
};

/// The task of a cell of a plan that is to be run.
CellTask task_of(const SweepPlan& plan, size_t cell);

std::string task_text(const CellTask& task);
/// Error `FILE: …` of kind `damaged` where it is no task.
CellTask read_task(const std::filesystem::path& file);

/// `tasks/<first 16 digits of the identity>-s<seed>.yaml` below a sweep's folder.
std::filesystem::path task_file(const std::filesystem::path& sweep_folder, const CellTask& task);
/// Writes it there unless it is there already; returns the file.
std::filesystem::path write_task(const std::filesystem::path& sweep_folder, const CellTask& task);

}  // namespace subband
