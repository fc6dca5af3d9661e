// A sweep handed to Slurm: what is neither done nor with Slurm already, wave by wave.
#pragma once
#include "sweeps/launcher.h"
#include "sweeps/slurm/settings.h"

namespace subband::slurm {

/// Submits what the queue hands out. With `wait` it stays until all has ended, and submits again what was lost; otherwise
/// the result says where the cells are. Error of kind `locked` where another process submits the same sweep.
ScheduleResult submit_sweep(const Settings& settings, const SweepAtWork& sweep);

}  // namespace subband::slurm
