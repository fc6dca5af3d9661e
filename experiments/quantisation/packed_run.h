// A run whose net is packed once it is trained: what is measured and drawn from then is the packed net.
#pragma once
#include <vector>

#include "experiments/recipe.h"
#include "models/quantisation/pack_net.h"

namespace subband {

/// ConfigError where the recipe packs and its net has nothing that these tiers pack.
void expect_packable(const Net& net, const Recipe& recipe);

/// The net's matrices packed as the recipe says; error feedback is shown training batches.
PackedMatrices trained_matrices(Net& net, const Recipe& recipe, OpenTask& open);

/// Puts them in. Tells what the weights weigh then and, where the task writes text, how near the net stays to what it was,
/// on the validation text.
Metrics pack_trained(Net& net, const PackedMatrices& matrices, const Recipe& recipe, const TaskUse& use);

/// What pack_trained tells; nothing where the recipe packs nothing.
std::vector<MetricInfo> packed_metrics(const Recipe& recipe);

}  // namespace subband
