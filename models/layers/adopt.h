// Parts whose parameters bear the names of their owner.
#pragma once
#include "models/module.h"

namespace subband {

/// Registers every parameter, buffer and child of `part` in `owner` as if they were its own, so that no name of the
/// part stands before theirs. The tensors are shared. train() and eval() do not reach `part` itself.
void adopt(Module& owner, const Module& part);

}  // namespace subband
