// runs.md: the ledger of a store, as a researcher would keep it by hand, computed from the records.
#pragma once
#include <string>
#include <vector>

#include "analysis/report.h"
#include "runs/commands/commands.h"
#include "runs/index.h"
#include "runs/sweep_manifest.h"

namespace subband {

/// One section per sweep, its table and every cell, then one with all runs that belong to none; failures and cells not yet
/// run included. The same runs and sweeps give the same report. Pictures `<store>/sweeps/<name>.svg` are linked.
Report ledger_report(const Store& store, const std::vector<RunSummary>& runs,
                     const std::vector<SweepManifest>& sweeps);

/// Writes `<store>/runs.md`, all or nothing. What could not be read or written comes back, one line each; never fails.
std::vector<std::string> write_ledger(const Store& store);

/// After a command: writes the ledger of the store that it changed, if it changed one; notices go to stderr.
void update_ledger(const ChangedStore& changed);

}  // namespace subband
