// The commands of this folder.
#pragma once
#include <functional>

#include "core/program/command.h"
#include "runs/store.h"
#include "runs/sweep_manifest.h"

namespace subband {

/// Shows a sweep's results from the store, as the folder to the right of this one knows how to.
using ReportSweep =
    std::function<void(const Store& store, const SweepManifest& sweep, const CommonOptions& options)>;

/// `subband sweep`: plan, run what is missing, survive, report. In subband_sweeps_perform.
/// Exit codes: 0 all cells done; 4 some failed; 130 stopped by Ctrl-C; 1, 2, 3 as for every command.
int command_sweep(Arguments arguments, const ReportSweep& report);

}  // namespace subband
