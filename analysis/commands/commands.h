// The commands of this folder.
#pragma once
#include "core/program/command.h"
#include "runs/store.h"
#include "runs/sweep_manifest.h"

namespace subband {

/// `subband report`: tables and learning curves of sweeps, from manifests and records alone.
int command_report(Arguments arguments);

/// `subband table`: a published table with our cells beside theirs.
int command_table(Arguments arguments);

/// What `subband sweep` ends with: the table on stdout (with `--json`: one document), then `<store>/sweeps/<name>.md` and
/// `.svg`, and the ledger. What cannot be drawn or written is a notice on stderr.
void report_sweep(const Store& store, const SweepManifest& sweep, const CommonOptions& options);

/// `subband bench mixers`: time and memory of mixers as the sequence grows.
int command_bench(Arguments arguments);

}  // namespace subband
