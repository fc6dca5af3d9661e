// Checkpoints: one safetensors file that holds all that a run needs to go on as if it had never stopped.
//   model/NAME       parameters and buffers
//   optimizer/WHAT.NAME  optimiser state of a parameter
//   state/NAME       carried state of the net, the running average of the loss, the best estimate, the loss scale
//   packed/NAME/…    in place of model/NAME: codes, scales and zeros of a matrix of few bits (packed_form.h)
//   metadata         `config` (resolved, JSON), `recipe`, `trajectory`, `vocabulary`, `step`, `tokens`, `seconds`,
//                    `machine` (how operations ran), `packed` (forms), what about_model.h names, `digest` of the tensors
// Random streams need no state: all that is drawn in a step is a function of the seed and the step.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/config/node.h"
#include "core/tensors/safetensors.h"
#include "experiments/recipe.h"
#include "experiments/training/checkpoints/about_model.h"
#include "models/quantisation/pack_net.h"

namespace subband {

struct Checkpoint {
  Tensors tensors;         ///< names as above
  config::Node config;     ///< resolved recipe
  std::string recipe;      ///< its name
  std::string trajectory;  ///< trajectory_id of the recipe that wrote it
  int64_t vocabulary = 0;
  int64_t step = 0;
  int64_t tokens = 0;
  double seconds = 0;   ///< of training so far, without evaluations
  std::string machine;  ///< machine_text of what ran so far; empty where unknown
  PackedForms packed = {};  ///< of the parameters that are kept in few bits
  AboutModel about = {};    ///< once read, `config` takes the tokeniser from it where the recipe's files are not here
};

/// Digest of all that decides the weights after a number of steps: a run goes on only from its own checkpoints.
std::string trajectory_id(const Recipe& recipe);

/// `step-000000400.safetensors`: the order of the names is that of the steps.
std::string checkpoint_name(int64_t step);

/// The weights of the best estimate, beside the others; and the packed ones that were measured instead.
inline constexpr const char* kBestCheckpoint = "best.safetensors";
inline constexpr const char* kPackedCheckpoint = "packed.safetensors";

/// A checkpoint of no steps: `model` holds every parameter and buffer of the recipe's net.
Checkpoint fresh_checkpoint(const Recipe& recipe, const Tensors& model);

/// The file of step 0 in a folder that `import` or `init` writes to. Error where the folder holds a later checkpoint, a best or
/// a packed one, which everything that reads the folder would take instead.
std::filesystem::path first_checkpoint(const std::filesystem::path& folder);

/// Writes all or nothing.
void write_checkpoint(const std::filesystem::path& file, const Checkpoint& checkpoint);

/// `path`: a checkpoint file, a folder of them or a run's folder: the packed weights or else the best ones where the run
/// keeps them, as its own evaluation does, else the newest intact checkpoint.
/// Error when there is none, with what is wrong with the newest, or a named file is damaged.
Checkpoint read_checkpoint(const std::filesystem::path& path);
/// The same of what a word of a command line means (named_checkpoint.h), with a warning for each one that is passed over.
Checkpoint read_named_checkpoint(const std::filesystem::path& store, const std::string& word);

/// The recipe that a checkpoint file holds, as read_checkpoint gives it; the weights are not looked at. Error as from there.
config::Node checkpoint_config(const std::filesystem::path& file);

/// The newest intact checkpoint of a folder, or nothing. Damaged ones are passed over, each with a line to `say`.
std::optional<std::filesystem::path> newest_checkpoint(
    const std::filesystem::path& folder, const std::function<void(const std::string&)>& say = {});
/// Removes all but the newest `keep` checkpoints of a folder.
void prune_checkpoints(const std::filesystem::path& folder, size_t keep);

/// Every parameter and buffer of a net under its name.
Tensors model_tensors(const torch::nn::Module& net);
/// How complaints about weights name things.
struct WeightWords {
  std::string place = "checkpoint";  ///< where they come from
  std::string prefix = "model/";     ///< of the names there
  std::string owner = "net";         ///< what they are for
  std::optional<int64_t> length =
      {};  ///< of the input, where `--length` gave it: a table may have as many rows
};
/// Copies `model/…` tensors in. Error that lists every unknown and missing name and every wrong shape.
void load_model(torch::nn::Module& net, const Tensors& tensors, const WeightWords& words = {});

/// The packed weights of a checkpoint, as its tensors are.
PackedMatrices packed_weights(const Checkpoint& checkpoint);
/// Packs what is packed there, and loads the rest as load_model does.
void load_weights(torch::nn::Module& net, const Checkpoint& checkpoint);
/// Error `place` naming a packed weight, where there is one: packed weights are not trained.
void refuse_packed(const Checkpoint& checkpoint, const std::string& place);

/// Binds the checkpoint's recipe, makes its net and loads the weights.
std::shared_ptr<Net> restore_net(const Registry& registry, const Checkpoint& checkpoint);

}  // namespace subband
