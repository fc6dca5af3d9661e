#include "experiments/training/checkpoints/start_weights.h"

#include "core/error.h"
#include "core/tensors/digest.h"
#include "experiments/training/checkpoints/checkpoint.h"

namespace subband {

static Tensors weights_of(const Checkpoint& checkpoint) {
  Tensors weights;
  for (const auto& [name, tensor] : checkpoint.tensors)
    if (name.starts_with("model/")) weights.emplace(name, tensor);
  return weights;
}

std::string weights_digest(const std::string& path) {
  if (path.starts_with(kWeightsByDigest)) return path.substr(std::string(kWeightsByDigest).size());
  try {
    const Checkpoint checkpoint = read_checkpoint(path);
    refuse_packed(checkpoint, "checkpoint");
    return digest(weights_of(checkpoint));
  } catch (const Error& error) {
    throw ConfigError("", "trainer.weights = " + path + ": " + error.first().line(), "bad_value");
  }
}

void load_start_weights(Net& net, const Recipe& recipe) {
  if (!recipe.trainer.weights) return;
  if (recipe.trainer.weights->starts_with(kWeightsByDigest))
    throw Error("trainer.weights", *recipe.trainer.weights + ": is a digest; name the checkpoint that has it");
  const Tensors weights = weights_of(read_checkpoint(*recipe.trainer.weights));
  const config::Node* bound = recipe.identity.at("trainer.weights");
  if (bound != nullptr && bound->string() != digest(weights))
    throw Error(*recipe.trainer.weights, "its weights have changed since the recipe was read");
  load_model(net, weights, {.place = *recipe.trainer.weights});
}

}  // namespace subband
