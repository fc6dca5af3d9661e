// Checkpoints: one safetensors file that holds all that a run needs to go on as if it had never stopped.
//   model/NAME       parameters and buffers
//   optimizer/NAME   optimiser state
//   state/NAME       carried state of the net, random streams
//   metadata         `config` (resolved, JSON), `recipe`, `vocabulary`, `step`, `tokens`
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "core/config/node.h"
#include "core/tensors/safetensors.h"
#include "experiments/recipe.h"

namespace subband {

struct Checkpoint {
  Tensors tensors;          ///< names as above
  config::Node config;      ///< resolved recipe
  std::string recipe;       ///< its name
  int64_t vocabulary = 0;
  int64_t step = 0;
  int64_t tokens = 0;
};

void write_checkpoint(const std::filesystem::path& file, const Checkpoint& checkpoint);

/// `path`: a checkpoint file, a folder of them (the newest intact one), or a run's folder.
/// Error when there is none, or a named file is damaged.
Checkpoint read_checkpoint(const std::filesystem::path& path);

/// The newest intact checkpoint of a folder, or nothing. Damaged ones are passed over.
std::optional<std::filesystem::path> newest_checkpoint(const std::filesystem::path& folder);

/// Every parameter and buffer of a net under its name.
Tensors model_tensors(const torch::nn::Module& net);
/// Copies `model/…` tensors in. Error that lists every unknown and missing name and every wrong shape.
void load_model(torch::nn::Module& net, const Tensors& tensors);

/// Binds the checkpoint's recipe, makes its net and loads the weights.
std::shared_ptr<Net> restore_net(const Registry& registry, const Checkpoint& checkpoint);

}  // namespace subband
