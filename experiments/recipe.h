// A recipe: everything that one run needs, bound and checked.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config/node.h"
#include "core/slot.h"
#include "experiments/data.h"
#include "experiments/generation/sample_config.h"
#include "experiments/optimizer.h"
#include "experiments/quantisation/quantisation_config.h"
#include "experiments/schedule.h"
#include "experiments/task.h"
#include "experiments/tokenizer.h"
#include "experiments/trainer_config.h"
#include "models/net.h"

namespace subband {

/// The path that each operation is forced to take; `ops:` of a recipe.
struct OpsConfig {
  std::map<std::string, std::string> paths;  ///< operation -> `auto` or a path

  void bind(Binder& b);
  std::map<std::string, std::string> forced() const;  ///< those that are not `auto`
};

struct Recipe {
  std::string name;  ///< `tinyshakespeare/wavelet`
  Slot<Task> task{"language_model"};
  std::optional<Slot<Data>> data;            ///< nothing where the task reads none
  std::optional<Slot<Tokenizer>> tokenizer;  ///< nothing where the task needs none; bytes unless given
  Slot<Net> net{"wavelet_lm"};
  Slot<Optimizer> optimizer{"adagrad"};
  Slot<Schedule> schedule{"cosine"};
  TrainerConfig trainer;
  QuantisationConfig quantisation;
  SampleConfig samples;
  OpsConfig ops;
  int64_t seed = 1337;
  int64_t vocabulary = 0;  ///< V, of the tokeniser or the task
  TaskShape shape;         ///< what the task imposes on the net
  /// Checksums that its data must have, once it is a run: whatever opens them compares. Empty: not compared.
  DataManifest data_pin = {};
  std::string device_note;  ///< what `auto` became, and why; empty where the spec names a device

  config::Node resolved;  ///< every value, with where it came from
  config::Node identity;  ///< what of it decides the results but the seed; no device is `auto` there
  std::map<std::string, int> parts;  ///< `mixer:wersa` -> version, of the parts that count for the identity
  std::map<std::string, int> versions;  ///< of all parts that are used and of the procedures
};

/// Binds a composed config. `registry` must outlive the recipe. ConfigError with every mistake of it.
Recipe bind_recipe(const Registry& registry, const std::string& name, const config::Node& composed);

/// What the recipe imposes on its net.
NetContext net_context(const Recipe& recipe, Initializer* initializer);
/// The task with its data and tokeniser, not opened yet.
std::shared_ptr<Task> make_task(const Recipe& recipe);
/// How the recipe's trainer uses its task.
TaskUse task_use(const Recipe& recipe, at::Device device, const std::filesystem::path& cache);
/// Its data; null where the task reads none.
std::shared_ptr<Data> make_data(const Recipe& recipe);
/// Its tokeniser; null where the task needs none.
std::shared_ptr<Tokenizer> make_tokenizer(const Recipe& recipe);

/// The recipe's net with initial weights drawn from `recipe.seed`, as `torch.manual_seed(seed)` would leave them.
std::shared_ptr<Net> make_net(const Recipe& recipe);
/// The same without memory or draws, on the meta device: names and shapes only.
std::shared_ptr<Net> make_meta_net(const Recipe& recipe);
/// Every value of the parameters that learn.
int64_t parameter_count(const Net& net);

}  // namespace subband
