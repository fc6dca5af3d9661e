// Cells as runs in a store: binds them for the plan and trains them in the workers.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/config/search_path.h"
#include "core/error.h"
#include "core/registry.h"
#include "runs/store.h"
#include "sweeps/plan.h"
#include "sweeps/worker.h"

namespace subband {

struct CellSource {
  const Registry* registry = nullptr;
  std::vector<config::GroupFolder> folders;  ///< where recipes are
  std::vector<std::string> command_line;     ///< for the provenance
};

/// Binds a row and counts its parameters without memory; no thread pool and no device is touched.
PreparedRow prepare_row(const CellSource& source, const std::string& recipe,
                        const std::vector<std::string>& overrides);

/// One small step of a cell, in a process of its own; nothing where it works. Of a large net only the shapes.
std::optional<Problem> check_cell(const CellSource& source, const std::string& recipe,
                                  const std::vector<std::string>& overrides);

/// Trains a cell in the worker's process. `held` where another process is at the same run.
CellOutcome perform_cell(const CellSource& source, const std::string& recipe,
                         const std::vector<std::string>& overrides, const Store& store, WorkerLink& link);

/// Writes the end of a run whose workers died without a word into its record. Nothing where it has none.
void record_crash(const Store& store, const std::string& id, int64_t seed, const std::string& message);

}  // namespace subband
