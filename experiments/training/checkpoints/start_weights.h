// `trainer.weights`: a run that begins with the weights of a checkpoint.
#pragma once
#include <string>

#include "models/net.h"

namespace subband {

struct Recipe;

/// What stands before a digest in a checkpoint's own recipe, in place of the file that it began with.
inline constexpr const char* kWeightsByDigest = "sha256:";

/// Digest of the parameters and buffers of a checkpoint, a folder of them or of a run, or as a checkpoint tells it.
/// ConfigError where there is none, or its weights are packed.
std::string weights_digest(const std::string& path);

/// Copies the weights that the recipe begins with into its net; does nothing where it names none. Error where they are not
/// the net's, or no longer those that the recipe was bound with, or known by their digest alone.
void load_start_weights(Net& net, const Recipe& recipe);

}  // namespace subband
