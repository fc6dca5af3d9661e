// Where a run comes from: program, compiler, machine, command line.
#pragma once
#include <span>
#include <string>

#include "runs/record/record_line.h"

namespace subband {

/// version, commit, changes (files that differ from it), compiler, build, cpu, cores, host, system, process, time
/// (UTC), command. What is not known is `unknown`. Those who compute add libtorch, cuda, device and threads.
RecordJson program_provenance(std::span<const std::string> command_line);

}  // namespace subband
