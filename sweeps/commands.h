// The commands of this folder.
#pragma once
#include "core/program/command.h"

namespace subband {

/// `subband sweep`: plan, run what is missing, survive, report. In subband_sweeps_perform.
/// Exit codes: 0 all cells done; 4 some failed; 130 stopped by Ctrl-C; 1, 2, 3 as for every command.
int command_sweep(Arguments arguments);

/// `subband cell`: one planned cell, from its task file. In subband_sweeps_perform.
/// Exit codes: 0 done; 4 it ended as a failure; 130 stopped; 1, 2, 3 as for every command, 1 also where another process is
/// at the same run.
int command_cell(Arguments arguments);

}  // namespace subband
