// What of a machine decides the last bits of a run: the instruction set, and the path of every operation.
#pragma once
#include <string>
#include <vector>

#include "core/ops/op_paths.h"

namespace subband {

struct MachineTrace {
  std::string instructions;  ///< `AVX512`, as LibTorch says it; empty where unknown
  std::vector<OpUse> ops;    ///< what ran so far; of calls nothing is kept
};

/// `AVX512`: what LibTorch's own loops are compiled for here.
std::string instruction_set();

/// For a checkpoint, and back. An empty or foreign text knows nothing.
std::string machine_text(const MachineTrace& trace);
MachineTrace read_machine(const std::string& text);

/// What runs in another way than before, `fwht = loops (avx2): was loops (avx512f)`. What one of the two does not know
/// is no difference.
std::vector<std::string> machine_differences(const MachineTrace& before, const MachineTrace& now);

/// Both together.
MachineTrace merged(MachineTrace before, const MachineTrace& now);

}  // namespace subband
