// The commands of `subband runs` that change a store's files, or measure them.
#pragma once
#include "core/program/command_table.h"

namespace subband {

/// `runs rm RUN…`, with `--keep` only checkpoints.
int runs_rm(Arguments arguments, ChangedStore& changed);
/// `runs du`: bytes of every run, largest first.
int runs_du(Arguments arguments);
/// `runs merge STORE`.
int runs_merge(Arguments arguments, ChangedStore& changed);

}  // namespace subband
