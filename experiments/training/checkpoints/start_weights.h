// `trainer.weights`: a run that begins with the weights of a checkpoint.
#pragma once
#include <string>

#include "models/net.h"

namespace subband {

struct Recipe;

/// Digest of the parameters and buffers of a checkpoint, a folder of them or of a run. ConfigError where there is none.
std::string weights_digest(const std::string& path);

/// Copies the weights that the recipe begins with into its net; does nothing where it names none. Error where they are not
/// the net's, or no longer those that the recipe was bound with.
void load_start_weights(Net& net, const Recipe& recipe);

}  // namespace subband
