// Every built-in part of models and experiments.
#pragma once
#include "core/registry.h"

namespace subband {

/// Adds nets, mixers and what they are made of, tokenisers, data, optimisers and schedules to `registry`.
void register_parts(Registry& registry);

}  // namespace subband
