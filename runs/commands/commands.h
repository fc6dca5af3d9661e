// The commands of this folder.
#pragma once
#include <filesystem>
#include <optional>

#include "core/program/command.h"

namespace subband {

/// The store whose runs a command changed: the program brings what is rendered from all runs (`runs.md`) up to date.
struct ChangedStore {
  std::optional<std::filesystem::path> root;  ///< nothing: no store was changed
  bool quiet = false;
};

/// `subband run`: one run, with progress, sample text and the final evaluation. In subband_runs_perform.
/// Exit codes: 0 done; 4 the run ended as a failure that is a result (nan, diverged, out_of_memory, …); 130 stopped
/// by Ctrl-C after a checkpoint, the same command goes on; 1, 2, 3 as for every command.
int command_run(Arguments arguments, ChangedStore& changed);

/// `subband runs list|show|diff|verify|reindex`: the store; needs no tensors.
int command_runs(Arguments arguments, ChangedStore& changed);

}  // namespace subband
