// The commands of this folder.
#pragma once
#include "core/program/command_table.h"

namespace subband {

/// `subband run`: one run, with progress, sample text and the final evaluation. In subband_runs_perform.
/// Exit codes: 0 done; 4 the run ended as a failure that is a result (nan, diverged, out_of_memory, …); 130 stopped
/// by Ctrl-C after a checkpoint, the same command goes on; 1, 2, 3 as for every command.
int command_run(Arguments arguments, ChangedStore& changed);

/// `subband quantize`: a checkpoint in few bits a weight. In subband_runs_perform.
int command_quantize(Arguments arguments);
/// `subband generate`: text from a run or a checkpoint. In subband_runs_perform. Exit code 130: stopped by Ctrl-C, with the
/// text so far.
int command_generate(Arguments arguments);

/// `subband runs list|show|diff|verify|reindex`: the store; needs no tensors.
int command_runs(Arguments arguments, ChangedStore& changed);

}  // namespace subband
