// The commands of this folder.
#pragma once
#include "core/program/command.h"

namespace subband {

/// `subband sweep`: plan, run what is missing, survive, report. In subband_sweeps_perform.
/// Exit codes: 0 all cells done; 4 some failed; 130 stopped by Ctrl-C; 1, 2, 3 as for every command.
int command_sweep(Arguments arguments);

}  // namespace subband
